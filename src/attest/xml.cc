#include "attest/xml.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "attest/limits.h"

namespace penstock::attest {

XmlNode::XmlNode() = default;
XmlNode::XmlNode(XmlNode&& other) noexcept = default;
XmlNode& XmlNode::operator=(XmlNode&& other) noexcept = default;
XmlNode::~XmlNode() = default;

namespace {

std::unexpected<Error> bad_xml(std::string_view problem) {
  return fail(ErrorCode::invalid_argument, fmt::format("XML: {}", problem));
}

// A character of a document, or 0: malformed, or one that XML does not allow. Gives its length.
std::uint32_t decode(std::string_view text, std::size_t& size) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  size = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (size == 1) {
    const bool allowed = first >= 0x20 || first == '\t' || first == '\n' || first == '\r';
    return allowed ? first : 0;
  }
  if (first < 0xc2 || first > 0xf4 || size > text.size()) return 0;
  std::uint32_t out = first & (0x7fU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    out = out << 6 | (at(i) & 0x3fU);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = out >= 0xd800 && out <= 0xdfff;
  if (out < kLeast[size] || surrogate || out == 0xfffe || out == 0xffff || out > 0x10ffff) return 0;
  return out;
}

void put_character(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xc0 | c >> 6);
  } else if (c < 0x10000) {
    put(0xe0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3f));
  } else {
    put(0xf0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3f));
    put(0x80 | (c >> 6 & 0x3f));
  }
  put(0x80 | (c & 0x3f));
}

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
// Of names only those in ASCII are taken.
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_name(char c) {
  return begins_name(c) || (c >= '0' && c <= '9') || c == '-' || c == '.';
}

struct QualifiedName {
  std::string prefix, name;
};

class XmlReader {
 public:
  explicit XmlReader(std::string_view text) : rest_(text) {}

  Result<std::unique_ptr<XmlElement>> document() {
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    TRY(declaration());
    TRY(between());
    if (!rest_.starts_with('<')) return bad_xml("no root element");
    auto root = TRY(element(nullptr, 0));
    TRY(between());
    if (!rest_.empty()) return bad_xml("something behind the root element");
    return root;
  }

 private:
  bool take(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  bool skip_space() {
    const std::size_t before = rest_.size();
    while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    return rest_.size() != before;
  }

  // UTF-8 alone; no other declaration changes what follows.
  Result<> declaration() {
    if (!rest_.starts_with("<?xml") || rest_.size() < 6 || !is_space(rest_[5])) return {};
    const std::size_t end = rest_.find("?>");
    if (end == std::string_view::npos) return bad_xml("the declaration has no end");
    const std::string_view said = rest_.substr(0, end);
    const std::size_t encoding = said.find("encoding");
    if (encoding != std::string_view::npos) {
      std::string lower(said.substr(encoding));
      for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
      if (lower.find("utf-8") == std::string::npos && lower.find("ascii") == std::string::npos)
        return bad_xml("an encoding other than UTF-8");
    }
    rest_.remove_prefix(end + 2);
    return {};
  }

  Result<> comment() {
    const std::size_t end = rest_.find("--", 4);
    if (end == std::string_view::npos || !rest_.substr(end).starts_with("-->"))
      return bad_xml("a comment that has no end, or '--' in it");
    TRY(characters(rest_.substr(4, end - 4)));
    rest_.remove_prefix(end + 3);
    return {};
  }

  Result<> between() {
    for (;;) {
      skip_space();
      if (!rest_.starts_with("<!--")) break;
      TRY(comment());
    }
    if (rest_.starts_with("<?") || rest_.starts_with("<!"))
      return bad_xml("processing instructions and document types are not taken");
    return {};
  }

  static Result<> characters(std::string_view text) {
    while (!text.empty()) {
      std::size_t size = 1;
      if (decode(text, size) == 0) return bad_xml("a character that is not allowed");
      text.remove_prefix(size);
    }
    return {};
  }

  Result<QualifiedName> name() {
    QualifiedName out;
    for (int part = 0; part < 2; ++part) {
      std::size_t size = 0;
      while (size < rest_.size() && is_name(rest_[size])) ++size;
      if (size == 0 || size > kXmlNameBytesMax || !begins_name(rest_.front()))
        return bad_xml("a name that is not taken");
      out.prefix = std::move(out.name);
      out.name = rest_.substr(0, size);
      rest_.remove_prefix(size);
      if (part == 1 || !take(":")) break;
    }
    return out;
  }

  // What stands for '&...;'.
  Result<> reference(std::string& out) {
    struct Entity {
      std::string_view name;
      char c;
    };
    static constexpr Entity kEntities[] = {
        {"&lt;", '<'}, {"&gt;", '>'}, {"&amp;", '&'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (const Entity& each : kEntities)
      if (take(each.name)) {
        out.push_back(each.c);
        return {};
      }
    const std::size_t end = rest_.find(';');
    if (!rest_.starts_with("&#") || end == std::string_view::npos || end > 12)
      return bad_xml("an entity that is not known");
    const bool hex = rest_[2] == 'x';
    const std::string_view digits = rest_.substr(hex ? 3 : 2, end - (hex ? 3 : 2));
    std::uint32_t value = 0;
    const auto read =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || digits.empty())
      return bad_xml("a malformed character reference");
    std::string character;
    std::size_t size = 0;
    if (value <= 0x10ffff) put_character(character, value);
    if (character.empty() || decode(character, size) == 0)
      return bad_xml("a character that is not allowed");
    out += character;
    rest_.remove_prefix(end + 1);
    return {};
  }

  // Up to one of `ends`; in attributes white space is blanks (XML 1.0, 3.3.3).
  Result<std::string> content(std::string_view ends, bool attribute) {
    std::string out;
    while (!rest_.empty() && ends.find(rest_.front()) == std::string_view::npos) {
      const char c = rest_.front();
      if (c == '&') {
        TRY(reference(out));
        continue;
      }
      if (attribute && c == '<') return bad_xml("'<' in an attribute");
      if (!attribute && rest_.starts_with("]]>")) return bad_xml("']]>' in text");
      std::size_t size = 1;
      if (decode(rest_, size) == 0) return bad_xml("a character that is not allowed");
      if (c == '\r') {
        if (size < rest_.size() && rest_[1] == '\n') rest_.remove_prefix(1);
        out.push_back(attribute ? ' ' : '\n');
      } else if (attribute && is_space(c)) {
        out.push_back(' ');
      } else {
        out += rest_.substr(0, size);
      }
      rest_.remove_prefix(size);
    }
    return out;
  }

  Result<> attribute(XmlElement& into) {
    QualifiedName name = TRY(this->name());
    skip_space();
    if (!take("=")) return bad_xml("an attribute without a value");
    skip_space();
    const char quote = rest_.empty() ? ' ' : rest_.front();
    if (quote != '"' && quote != '\'') return bad_xml("a value without quotes");
    rest_.remove_prefix(1);
    std::string value = TRY(content({&quote, 1}, true));
    if (!take({&quote, 1})) return bad_xml("a value has no end");
    const bool is_default = name.prefix.empty() && name.name == "xmlns";
    if (!is_default && name.prefix != "xmlns") {
      into.attributes.push_back(
          {std::move(name.prefix), std::move(name.name), std::move(value), {}});
      return {};
    }
    std::string prefix = is_default ? std::string() : std::move(name.name);
    const bool relative = !value.empty() && value.find(':') == std::string::npos;
    if (prefix == "xml" || prefix == "xmlns" || (!is_default && value.empty()) || relative ||
        value == kXmlNamespace)
      return bad_xml("a namespace that is not taken");
    if (std::ranges::find(into.declared, prefix, &XmlNamespace::prefix) != into.declared.end())
      return bad_xml("a namespace is declared twice");
    into.declared.push_back({std::move(prefix), std::move(value)});
    return {};
  }

  static const std::string* namespace_of(const XmlElement& element, std::string_view prefix) {
    static const std::string kXml(kXmlNamespace), kNone;
    if (prefix == "xml") return &kXml;
    for (const XmlElement* each = &element; each != nullptr; each = each->parent)
      if (const auto found = std::ranges::find(each->declared, prefix, &XmlNamespace::prefix);
          found != each->declared.end())
        return &found->uri;
    return prefix.empty() ? &kNone : nullptr;
  }

  static Result<> resolve(XmlElement& element) {
    const std::string* ns = namespace_of(element, element.prefix);
    if (ns == nullptr) return bad_xml("a prefix that is not declared");
    element.ns = *ns;
    std::vector<std::pair<std::string_view, std::string_view>> seen;
    for (XmlAttribute& each : element.attributes) {
      const std::string* of =
          each.prefix.empty() ? &each.prefix : namespace_of(element, each.prefix);
      if (of == nullptr) return bad_xml("a prefix that is not declared");
      each.ns = *of;
      if (each.ns == kXmlNamespace && each.name == "base") return bad_xml("xml:base is not taken");
      seen.emplace_back(each.ns, each.name);
    }
    std::ranges::sort(seen);
    if (std::ranges::adjacent_find(seen) != seen.end())
      return bad_xml("an attribute is there twice");
    return {};
  }

  Result<std::unique_ptr<XmlElement>> element(const XmlElement* parent, std::size_t depth) {
    if (depth >= kXmlDepthMax || ++elements_ > kXmlElementsMax)
      return fail(ErrorCode::limit_exceeded, "XML: too many elements, or nested too deep");
    rest_.remove_prefix(1);
    auto out = std::make_unique<XmlElement>();
    out->parent = parent;
    QualifiedName tag = TRY(name());
    for (;;) {
      const bool space = skip_space();
      if (rest_.starts_with('>') || rest_.starts_with("/>")) break;
      if (!space) return bad_xml("a tag that does not end");
      if (out->attributes.size() + out->declared.size() >= kXmlAttributesMax)
        return fail(ErrorCode::limit_exceeded, "XML: too many attributes");
      TRY(attribute(*out));
    }
    out->prefix = tag.prefix;
    out->name = tag.name;
    TRY(resolve(*out));
    if (take("/>")) return out;
    rest_.remove_prefix(1);
    TRY(children(*out, depth));
    const QualifiedName end = TRY(name());
    skip_space();
    if (end.prefix != tag.prefix || end.name != tag.name || !take(">"))
      return bad_xml("an end tag that does not fit");
    return out;
  }

  // Up to and with "</".
  Result<> children(XmlElement& into, std::size_t depth) {
    while (!rest_.empty()) {
      if (take("</")) return {};
      XmlNode node;
      if (rest_.starts_with("<!--")) {
        TRY(comment());
        continue;
      }
      if (rest_.starts_with("<!") || rest_.starts_with("<?"))
        return bad_xml("CDATA, entities and processing instructions are not taken");
      if (rest_.starts_with('<'))
        node.element = TRY(element(&into, depth + 1));
      else
        node.text = TRY(content("<", false));
      into.children.push_back(std::move(node));
    }
    return bad_xml("an element has no end");
  }

  std::string_view rest_;
  std::size_t elements_ = 0;
};

}  // namespace

const XmlElement* XmlElement::only(std::string_view of_ns, std::string_view of_name) const {
  const auto found = all(of_ns, of_name);
  return found.size() == 1 ? found.front() : nullptr;
}

std::vector<const XmlElement*> XmlElement::all(std::string_view of_ns,
                                               std::string_view of_name) const {
  std::vector<const XmlElement*> out;
  for (const XmlNode& each : children)
    if (each.element && each.element->is(of_ns, of_name)) out.push_back(each.element.get());
  return out;
}

const std::string* XmlElement::attribute(std::string_view of_ns, std::string_view of_name) const {
  for (const XmlAttribute& each : attributes)
    if (each.ns == of_ns && each.name == of_name) return &each.value;
  return nullptr;
}

std::string XmlElement::text() const {
  std::string out;
  for (const XmlNode& each : children) out += each.text;
  return out;
}

Result<std::unique_ptr<XmlElement>> parse_xml(std::string_view text) {
  if (text.size() > kXmlBytesMax)
    return fail(ErrorCode::limit_exceeded, fmt::format("XML: more than {} bytes", kXmlBytesMax));
  return XmlReader(text).document();
}

}  // namespace penstock::attest
