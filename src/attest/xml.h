// A small part of XML 1.0 with namespaces, for signed documents: elements, attributes, text.
// Document types, entities of one's own, processing instructions, CDATA and xml:base are refused;
// comments are left out. Canonical XML 1.0 and 1.1 (without comments, which are the same for what
// is read here) of an element.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace penstock::attest {

struct XmlElement;

// Text, or an element.
struct XmlNode {
  std::string text;                     // entities resolved, line ends as LF
  std::unique_ptr<XmlElement> element;  // null: text
  XmlNode();
  XmlNode(XmlNode&& other) noexcept;
  XmlNode& operator=(XmlNode&& other) noexcept;
  XmlNode(const XmlNode&) = delete;
  XmlNode& operator=(const XmlNode&) = delete;
  ~XmlNode();
};

// Of the prefix xml:, which nobody declares.
inline constexpr std::string_view kXmlNamespace = "http://www.w3.org/XML/1998/namespace";

struct XmlAttribute {
  std::string prefix, name, value;
  std::string ns;  // the namespace that the prefix stands for; empty: none
};
struct XmlNamespace {
  std::string prefix, uri;  // prefix empty: the default one
};

struct XmlElement {
  std::string prefix, name, ns;
  std::vector<XmlNamespace> declared;
  std::vector<XmlAttribute> attributes;
  std::vector<XmlNode> children;
  const XmlElement* parent = nullptr;

  bool is(std::string_view of_ns, std::string_view of_name) const {
    return ns == of_ns && name == of_name;
  }
  // The only child element of that name; null: none, or several.
  const XmlElement* only(std::string_view of_ns, std::string_view of_name) const;
  std::vector<const XmlElement*> all(std::string_view of_ns, std::string_view of_name) const;
  // Value of an attribute; null: it is not there. An attribute without prefix has no namespace.
  const std::string* attribute(std::string_view of_ns, std::string_view of_name) const;
  std::string text() const;  // of its own, without what its elements hold
};

// The root element. invalid_argument: not well-formed, or what is refused above; limit_exceeded.
Result<std::unique_ptr<XmlElement>> parse_xml(std::string_view text);

// The canonical form of `element` and all below it but `without` (null: nothing is left out), with
// the namespaces and xml: attributes that its ancestors give it.
std::string canonical_xml(const XmlElement& element, const XmlElement* without = nullptr);

}  // namespace penstock::attest
