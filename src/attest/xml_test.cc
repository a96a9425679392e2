#include "attest/xml.h"

#include <gtest/gtest.h>

#include "attest/limits.h"

namespace penstock::attest {
namespace {

std::string canonical_of(std::string_view text) {
  const auto root = parse_xml(text);
  return root ? canonical_xml(**root) : root.error().text();
}
bool xml_refused(std::string_view text) {
  const auto root = parse_xml(text);
  return !root && (root.error().code() == ErrorCode::invalid_argument ||
                   root.error().code() == ErrorCode::limit_exceeded);
}

// Canonical XML 1.1, 3.3 "Start and End Tags", but for its document type.
TEST(Xml, CanonicalFormOfTags) {
  EXPECT_EQ(canonical_of("<?xml version=\"1.0\"?>\n"
                         "<!-- gone --><doc>\n"
                         "   <e1   />\n"
                         "   <e3   name = \"elem3\"   id=\"elem3\"   />\n"
                         "   <e5 a:attr=\"out\" b:attr=\"sorted\" attr2=\"all\" attr=\"I'm\"\n"
                         "      xmlns:b=\"http://www.ietf.org\"\n"
                         "      xmlns:a=\"http://www.w3.org\"\n"
                         "      xmlns=\"http://example.org\"/>\n"
                         "   <e6 xmlns=\"\" xmlns:a=\"http://www.w3.org\">\n"
                         "      <e7 xmlns=\"http://www.ietf.org\">\n"
                         "         <e8 xmlns=\"\" xmlns:a=\"http://www.w3.org\"/>\n"
                         "      </e7>\n"
                         "   </e6>\n"
                         "</doc>\n"),
            "<doc>\n"
            "   <e1></e1>\n"
            "   <e3 id=\"elem3\" name=\"elem3\"></e3>\n"
            "   <e5 xmlns=\"http://example.org\" xmlns:a=\"http://www.w3.org\" "
            "xmlns:b=\"http://www.ietf.org\" attr=\"I'm\" attr2=\"all\" b:attr=\"sorted\" "
            "a:attr=\"out\"></e5>\n"
            "   <e6 xmlns:a=\"http://www.w3.org\">\n"
            "      <e7 xmlns=\"http://www.ietf.org\">\n"
            "         <e8 xmlns=\"\"></e8>\n"
            "      </e7>\n"
            "   </e6>\n"
            "</doc>");
}

// Canonical XML 1.1, 3.4 "Character Modifications and Character References".
TEST(Xml, CanonicalFormOfCharacters) {
  EXPECT_EQ(
      canonical_of("<doc><text>First line&#x0d;&#10;Second line</text>"
                   "<value>&#x32;</value><c c='&lt;&quot;&amp;&apos;\t&#9;>'>a&gt;b\r\nc\rd</c>"
                   "<u>&#xe9;\xc3\xa9&#x1f600;</u></doc>"),
      "<doc><text>First line&#xD;\nSecond line</text><value>2</value>"
      "<c c=\"&lt;&quot;&amp;' &#x9;>\">a&gt;b\nc\nd</c>"
      "<u>\xc3\xa9\xc3\xa9\xf0\x9f\x98\x80</u></doc>");
}

TEST(Xml, APartHasWhatItsAncestorsGiveIt) {
  const auto root = parse_xml(
      "<a xmlns='urn:a' xmlns:p='urn:p' xmlns:q='urn:q' xml:lang='en' xml:id='i'>"
      "<b xmlns:p='urn:p2'><c><d/></c></b></a>");
  ASSERT_TRUE(root);
  const XmlElement* b = (*root)->only("urn:a", "b");
  ASSERT_NE(b, nullptr);
  const XmlElement* c = b->only("urn:a", "c");
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(canonical_xml(*c),
            "<c xmlns=\"urn:a\" xmlns:p=\"urn:p2\" xmlns:q=\"urn:q\" xml:lang=\"en\"><d></d></c>");
  EXPECT_EQ(canonical_xml(**root, b),
            "<a xmlns=\"urn:a\" xmlns:p=\"urn:p\" xmlns:q=\"urn:q\" xml:id=\"i\" "
            "xml:lang=\"en\"></a>");
}

TEST(Xml, WhatIsNotTakenIsRefused) {
  for (const char* text : {"",
                           "text",
                           "<a>",
                           "<a></b>",
                           "<a/><b/>",
                           "<a b=1/>",
                           "<a b='1' b='2'/>",
                           "<a b='<'/>",
                           "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
                           "<a>&x;</a>",
                           "<a>&#0;</a>",
                           "<a>&#xd800;</a>",
                           "<a>&#1114112;</a>",
                           "<a>&#x;</a>",
                           "<a><![CDATA[x]]></a>",
                           "<a><?pi?></a>",
                           "<?pi x?><a/>",
                           "<p:a/>",
                           "<a p:b='c'/>",
                           "<a xmlns:p=''/>",
                           "<a xmlns='u:1' xmlns='u:2'/>",
                           "<a xmlns:p='u:1' xmlns:q='u:1' p:x='1' q:x='2'/>",
                           "<a xml:base='u:x'/>",
                           "<a>]]></a>",
                           "<a><!-- -- --></a>",
                           "<a>\x01</a>",
                           "<a>\xff</a>",
                           "<a>\xc0\x80</a>",
                           "<a>\xed\xa0\x80</a>",
                           "<a:b:c xmlns:a='u:1'/>",
                           "<a xmlns='relative'/>",
                           "<?xml version='1.0' encoding='UTF-16'?><a/>",
                           "<a b='x'c='y'/>",
                           "<a/>x"})
    EXPECT_TRUE(xml_refused(text)) << text;
}

TEST(Xml, LimitsHold) {
  const auto nested = [](std::size_t depth) {
    std::string out;
    for (std::size_t i = 0; i < depth; ++i) out += "<a>";
    for (std::size_t i = 0; i < depth; ++i) out += "</a>";
    return out;
  };
  EXPECT_TRUE(parse_xml(nested(kXmlDepthMax)));
  EXPECT_TRUE(xml_refused(nested(kXmlDepthMax + 1)));
  const auto many = [](std::size_t count) {
    std::string out = "<a>";
    for (std::size_t i = 1; i < count; ++i) out += "<b/>";
    return out + "</a>";
  };
  EXPECT_TRUE(parse_xml(many(kXmlElementsMax)));
  EXPECT_TRUE(xml_refused(many(kXmlElementsMax + 1)));
  const auto wide = [](std::size_t count) {
    std::string out = "<a";
    for (std::size_t i = 0; i < count; ++i) out += " b" + std::to_string(i) + "='1'";
    return out + "/>";
  };
  EXPECT_TRUE(parse_xml(wide(kXmlAttributesMax)));
  EXPECT_TRUE(xml_refused(wide(kXmlAttributesMax + 1)));
  EXPECT_TRUE(xml_refused("<a>" + std::string(kXmlBytesMax, 'x') + "</a>"));
}

}  // namespace
}  // namespace penstock::attest
