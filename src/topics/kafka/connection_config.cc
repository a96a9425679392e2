#include "topics/kafka/connection_config.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.h"
#include "base/private_file.h"

namespace penstock::topics {
namespace {

constexpr std::array<std::string_view, 12> kKeys = {
    "ca",       "certificate", "password_file", "private_key", "replication", "sasl",
    "security", "user",        "bootstrap",     "instance",    "session_ms",  "share"};
constexpr std::size_t kConnectionKeys = 8;  // the first ones

template <typename Enum>
struct Word {
  std::string_view text;
  Enum value;
};
constexpr std::array kSecurities = {Word{"plaintext", KafkaSecurity::plaintext},
                                    Word{"tls", KafkaSecurity::tls},
                                    Word{"sasl_plaintext", KafkaSecurity::sasl_plaintext},
                                    Word{"sasl_tls", KafkaSecurity::sasl_tls}};
constexpr std::array kSasls = {Word{"plain", KafkaSasl::plain},
                               Word{"scram-sha-256", KafkaSasl::scram_sha_256},
                               Word{"scram-sha-512", KafkaSasl::scram_sha_512}};

// The values of one table, with errors that name line and key.
class Settings {
 public:
  Settings(const TomlTable& table, std::string_view document, std::string_view prefix)
      : table_(table), document_(document), prefix_(prefix) {}

  const TomlValue* find(std::string_view key) const {
    const auto at = table_.find(key);
    return at == table_.end() ? nullptr : &at->second;
  }
  Error wrong(std::string_view key, std::string_view expected) const {
    return {ErrorCode::invalid_argument, fmt::format("{}, line {}: '{}{}': expected {}", document_,
                                                     find(key)->line, prefix_, key, expected)};
  }
  Error missing(std::string_view key, std::string_view why) const {
    return {ErrorCode::invalid_argument,
            fmt::format("{}: '{}{}' is missing: {}", document_, prefix_, key, why)};
  }
  Result<> check_keys(std::span<const std::string_view> known) const {
    for (const auto& [key, value] : table_) {
      if (std::ranges::find(known, key) != known.end()) continue;
      std::string_view hint = key == "password" ? ". Write it into a file of mode 0600 and name "
                                                  "that in password_file"
                                                : "";
      return fail(ErrorCode::invalid_argument,
                  fmt::format("{}, line {}: key '{}{}' is not known; there are {}{}", document_,
                              value.line, prefix_, key, fmt::join(known, ", "), hint));
    }
    return {};
  }
  Result<> take(std::string_view key, std::string& out) const {
    const TomlValue* value = find(key);
    if (value == nullptr) return {};
    const auto* text = std::get_if<std::string>(&value->value);
    if (text == nullptr || text->empty()) return fail(wrong(key, "a text"));
    out = *text;
    return {};
  }
  Result<> take(std::string_view key, bool& out) const {
    const TomlValue* value = find(key);
    if (value == nullptr) return {};
    const auto* flag = std::get_if<bool>(&value->value);
    if (flag == nullptr) return fail(wrong(key, "true or false"));
    out = *flag;
    return {};
  }
  Result<> take(std::string_view key, std::int64_t min, std::int64_t max, std::int64_t& out) const {
    const TomlValue* value = find(key);
    if (value == nullptr) return {};
    const auto* number = std::get_if<std::int64_t>(&value->value);
    if (number == nullptr || *number < min || *number > max)
      return fail(wrong(key, fmt::format("a number from {} to {}", min, max)));
    out = *number;
    return {};
  }
  template <typename Enum, std::size_t n>
  Result<> take(std::string_view key, const std::array<Word<Enum>, n>& words, Enum& out) const {
    std::string text;
    TRY(take(key, text));
    if (text.empty()) return {};
    const auto* word = std::ranges::find(words, text, &Word<Enum>::text);
    if (word != words.end()) {
      out = word->value;
      return {};
    }
    std::vector<std::string_view> all;
    for (const auto& one : words) all.push_back(one.text);
    return fail(wrong(key, fmt::format("one of {}", fmt::join(all, ", "))));
  }

 private:
  const TomlTable& table_;
  const std::string_view document_, prefix_;
};

bool is_tls(KafkaSecurity security) {
  return security == KafkaSecurity::tls || security == KafkaSecurity::sasl_tls;
}

bool is_sasl(KafkaSecurity security) {
  return security == KafkaSecurity::sasl_plaintext || security == KafkaSecurity::sasl_tls;
}

// A key that is written and not used would let its author believe in a protection that is not
// there.
Result<> check_used(const Settings& settings, bool used, std::span<const std::string_view> keys,
                    std::string_view securities) {
  if (used) return {};
  for (std::string_view key : keys) {
    if (settings.find(key) != nullptr)
      return fail(
          settings.wrong(key, fmt::format("no such key unless security is {}", securities)));
  }
  return {};
}

Result<> check_whole(const Settings& settings, const KafkaSettings& out) {
  static constexpr std::array<std::string_view, 3> kOfTls = {"ca", "certificate", "private_key"};
  static constexpr std::array<std::string_view, 3> kOfSasl = {"password_file", "sasl", "user"};
  TRY(check_used(settings, is_tls(out.security), kOfTls, "tls or sasl_tls"));
  TRY(check_used(settings, is_sasl(out.security), kOfSasl, "sasl_plaintext or sasl_tls"));
  if (is_tls(out.security) && out.ca.empty())
    return fail(settings.missing("ca",
                                 "it says whose signature on the brokers' certificates is "
                                 "believed; a system's own list is a file too"));
  if (out.certificate.empty() != out.private_key.empty())
    return fail(settings.missing(out.certificate.empty() ? "certificate" : "private_key",
                                 "certificate and private_key belong together"));
  if (is_sasl(out.security) && out.user.empty())
    return fail(settings.missing("user", "the security is by SASL"));
  if (is_sasl(out.security) && out.password_file.empty())
    return fail(settings.missing("password_file", "the security is by SASL"));
  return {};
}

Result<SecretBuffer> read_password(const std::filesystem::path& path) {
  constexpr std::string_view kWhat = "password of the brokers";
  SecretBuffer whole = TRY(read_private_file(path, kWhat, kKafkaPasswordBytesMax));
  ByteView line = whole.view();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
    line = line.first(line.size() - 1);
  if (line.empty() ||
      std::ranges::find_if(line, [](auto byte) { return byte < 0x20; }) != line.end())
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} '{}': expected one line of text", kWhat, path.string()));
  return SecretBuffer::create_copy(line);
}

}  // namespace

bool is_kafka_instance(std::string_view name) {
  constexpr std::size_t kBytesMax = 200;
  return !name.empty() && name.size() <= kBytesMax && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  });
}

Result<KafkaSettings> parse_kafka_settings(const TomlTable& table, std::string_view document,
                                           std::string_view prefix, KafkaKeys keys) {
  const Settings settings(table, document, prefix);
  const std::size_t count = keys == KafkaKeys::all ? kKeys.size() : kConnectionKeys;
  TRY(settings.check_keys(std::span(kKeys).first(count)));
  KafkaSettings out;
  TRY(settings.take("bootstrap", out.bootstrap));
  TRY(settings.take("security", kSecurities, out.security));
  TRY(settings.take("ca", out.ca));
  TRY(settings.take("certificate", out.certificate));
  TRY(settings.take("private_key", out.private_key));
  TRY(settings.take("sasl", kSasls, out.sasl));
  TRY(settings.take("user", out.user));
  TRY(settings.take("password_file", out.password_file));
  std::int64_t replication = out.replication;
  TRY(settings.take("replication", 1, std::numeric_limits<std::int16_t>::max(), replication));
  out.replication = static_cast<std::int16_t>(replication);
  TRY(settings.take("share", out.share));
  TRY(settings.take("instance", out.sharing.instance));
  if (!out.sharing.instance.empty() && !is_kafka_instance(out.sharing.instance))
    return fail(settings.wrong("instance", "1 to 200 letters, digits, '.', '_' and '-'"));
  std::int64_t session_ms = out.sharing.session.count();
  TRY(settings.take("session_ms", kKafkaSessionMsMin, kKafkaSessionMsMax, session_ms));
  out.sharing.session = std::chrono::milliseconds(session_ms);
  TRY(check_whole(settings, out));
  return out;
}

Result<KafkaConnection> read_kafka_connection(const KafkaSettings& settings,
                                              const std::filesystem::path& folder,
                                              const NamedText& ca) {
  KafkaConnection out;
  out.bootstrap = settings.bootstrap;
  out.security = settings.security;
  out.sasl = settings.sasl;
  out.user = settings.user;
  if (!settings.ca.empty()) out.ca = TRY(ca(settings.ca));
  if (!settings.certificate.empty()) {
    out.certificate = TRY(read_file(folder / settings.certificate, kKafkaPemBytesMax));
    SecretBuffer key = TRY(read_private_file(folder / settings.private_key, "private key for Kafka",
                                             kKafkaPemBytesMax));
    out.private_key = as_text(key.view());
  }
  if (!settings.password_file.empty())
    out.password = TRY(read_password(folder / settings.password_file));
  return out;
}

Result<> check_bootstrap(std::string_view bootstrap) {
  while (!bootstrap.empty()) {
    std::string_view part = bootstrap.substr(0, bootstrap.find(','));
    bootstrap.remove_prefix(std::min(part.size() + 1, bootstrap.size()));
    std::size_t colon = part.find_last_of(":]");  // "[::1]" has colons of its own
    bool has_port = colon != std::string_view::npos && part[colon] == ':';
    std::string_view port = has_port ? part.substr(colon + 1) : "9092";
    std::uint16_t number = 0;
    auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
    bool is_port = ec == std::errc() && end == port.data() + port.size() && number > 0;
    if (part.empty() || (has_port && colon == 0) || !is_port)
      return fail(ErrorCode::invalid_argument,
                  fmt::format("Kafka: bootstrap address: expected HOST:PORT with a port of 1 to "
                              "65535, seen '{}'",
                              part));
  }
  return {};
}

Result<KafkaOptions> kafka_options_of(const std::string& bootstrap,
                                      const std::filesystem::path& config_file) {
  KafkaOptions out;
  if (!config_file.empty()) {
    const std::string document = config_file.string();
    const std::string text = TRY(read_file(config_file, kKafkaConfigBytesMax));
    const TomlTable table =
        TRY(parse_toml(text, document, {.bytes_max = kKafkaConfigBytesMax, .depth_max = 4}));
    const KafkaSettings settings =
        TRY(parse_kafka_settings(table, document, "", KafkaKeys::connection));
    const std::filesystem::path folder = config_file.parent_path();
    out.connection = TRY(read_kafka_connection(settings, folder, [&](const std::string& name) {
      return read_file(folder / name, kKafkaPemBytesMax);
    }));
    out.replication = settings.replication;
  }
  out.connection.bootstrap = bootstrap;
  return out;
}

}  // namespace penstock::topics
