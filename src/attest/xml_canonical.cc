// The canonical form of an element (Canonical XML 1.0 and 1.1).
#include <algorithm>
#include <span>
#include <tuple>

#include <fmt/format.h>

#include "attest/xml.h"

namespace penstock::attest {
namespace {

// Namespaces that elements written so far have declared, innermost last.
using Rendered = std::vector<XmlNamespace>;

std::string_view rendered_uri(const Rendered& rendered, std::string_view prefix) {
  for (auto each = rendered.rbegin(); each != rendered.rend(); ++each)
    if (each->prefix == prefix) return each->uri;
  return {};
}

// What stands for a character, in a text or in an attribute's value.
struct Escape {
  char c;
  std::string_view as;
};
constexpr Escape kInText[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'\r', "&#xD;"}};
constexpr Escape kInValue[] = {{'&', "&amp;"},  {'<', "&lt;"},   {'"', "&quot;"},
                               {'\t', "&#x9;"}, {'\n', "&#xA;"}, {'\r', "&#xD;"}};

void put_escaped(std::string& out, std::string_view text, std::span<const Escape> escapes) {
  for (const char c : text) {
    const auto at = std::ranges::find(escapes, c, &Escape::c);
    if (at == escapes.end())
      out.push_back(c);
    else
      out += at->as;
  }
}

std::string tag_of(std::string_view prefix, std::string_view name) {
  return prefix.empty() ? std::string(name) : fmt::format("{}:{}", prefix, name);
}

// What the first element has of its ancestors: their namespaces and, of the xml: ones, attributes.
void inherit(const XmlElement& apex, std::vector<XmlNamespace>& declared,
             std::vector<XmlAttribute>& attributes) {
  for (const XmlElement* each = apex.parent; each != nullptr; each = each->parent) {
    for (const XmlNamespace& one : each->declared)
      if (std::ranges::find(declared, one.prefix, &XmlNamespace::prefix) == declared.end())
        declared.push_back(one);
    for (const XmlAttribute& one : each->attributes) {
      if (one.ns != kXmlNamespace || one.name == "id") continue;
      const bool there = std::ranges::any_of(attributes, [&](const XmlAttribute& mine) {
        return mine.ns == one.ns && mine.name == one.name;
      });
      if (!there) attributes.push_back(one);
    }
  }
}

void put_element(std::string& out, const XmlElement& element, const XmlElement* without, bool apex,
                 Rendered& rendered) {
  if (&element == without) return;
  std::vector<XmlNamespace> declared = element.declared;
  std::vector<XmlAttribute> attributes = element.attributes;
  if (apex) inherit(element, declared, attributes);
  std::ranges::sort(declared, {}, &XmlNamespace::prefix);
  std::ranges::sort(attributes, [](const XmlAttribute& a, const XmlAttribute& b) {
    return std::tie(a.ns, a.name) < std::tie(b.ns, b.name);
  });
  const std::size_t before = rendered.size();
  const std::string tag = tag_of(element.prefix, element.name);
  out += fmt::format("<{}", tag);
  for (XmlNamespace& each : declared) {
    if (rendered_uri(rendered, each.prefix) == each.uri) continue;  // xmlns="" of nothing, too
    out += each.prefix.empty() ? " xmlns=\"" : fmt::format(" xmlns:{}=\"", each.prefix);
    put_escaped(out, each.uri, kInValue);
    out += '"';
    rendered.push_back(std::move(each));
  }
  for (const XmlAttribute& each : attributes) {
    out += fmt::format(" {}=\"", tag_of(each.prefix, each.name));
    put_escaped(out, each.value, kInValue);
    out += '"';
  }
  out += '>';
  for (const XmlNode& each : element.children) {
    if (each.element)
      put_element(out, *each.element, without, false, rendered);
    else
      put_escaped(out, each.text, kInText);
  }
  out += fmt::format("</{}>", tag);
  rendered.resize(before);
}

}  // namespace

std::string canonical_xml(const XmlElement& element, const XmlElement* without) {
  std::string out;
  Rendered rendered;
  put_element(out, element, without, true, rendered);
  return out;
}

}  // namespace penstock::attest
