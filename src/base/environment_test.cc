#include "base/environment.h"

#include <stdlib.h>

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Environment, KeepsWhatIsKnownToBeHarmless) {
  for (const char* name : {"HOME", "PATH", "TMPDIR"})
    EXPECT_TRUE(is_kept(name, "/x", KeepsVariables::few)) << name;
  EXPECT_TRUE(is_kept("LANG", "C.UTF-8", KeepsVariables::few));
  EXPECT_TRUE(is_kept("LC_CTYPE", "de_DE.UTF-8", KeepsVariables::few));
  EXPECT_FALSE(is_kept("LANG", "/tmp/locale", KeepsVariables::few));
  EXPECT_FALSE(is_kept("LC_ALL", "../x", KeepsVariables::commands));
  for (const char* name : {"TERM", "COLUMNS", "PENSTOCK_MANAGER_DATA"}) {
    EXPECT_FALSE(is_kept(name, "x", KeepsVariables::few)) << name;
    EXPECT_TRUE(is_kept(name, "x", KeepsVariables::commands)) << name;
  }
}

TEST(Environment, DropsWhatLibrariesReadTheirCodeOrRulesFrom) {
  for (const char* name : {"OPENSSL_CONF",
                           "OPENSSL_MODULES",
                           "OPENSSL_ENGINES",
                           "SSL_CERT_FILE",
                           "SSL_CERT_DIR",
                           "MALLOC_TRACE",
                           "MALLOC_CHECK_",
                           "MALLOC_PERTURB_",
                           "TZ",
                           "TZDIR",
                           "LOCPATH",
                           "GCONV_PATH",
                           "NLSPATH",
                           "KRB5_CONFIG",
                           "KRB5CCNAME",
                           "RES_OPTIONS",
                           "LOCALDOMAIN",
                           "HOSTALIASES",
                           "TERMINFO",
                           "TERMCAP",
                           "EDITRC",
                           "SSLKEYLOGFILE",
                           "HTTPS_PROXY",
                           "RANDFILE",
                           "CTLOG_FILE",
                           "SQLITE_TMPDIR",
                           "GETCONF_DIR",
                           "RDKAFKA_DEBUG",
                           ""})
    EXPECT_FALSE(is_kept(name, "x", KeepsVariables::commands)) << name;
}

TEST(Environment, CleansThisProcessAndRefusesTheLoadersVariables) {
  ASSERT_EQ(::setenv("OPENSSL_CONF", "/tmp/x", 1), 0);
  EXPECT_EQ(clean_environment(KeepsVariables::few), "");
  EXPECT_EQ(::getenv("OPENSSL_CONF"), nullptr);
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "LD_AUDIT", "GLIBC_TUNABLES"}) {
    ASSERT_EQ(::setenv(name, "", 1), 0);  // empty is as wrong: somebody has touched it
    EXPECT_NE(clean_environment(KeepsVariables::commands).find(name), std::string::npos);
    ::unsetenv(name);
  }
}

}  // namespace
}  // namespace penstock
