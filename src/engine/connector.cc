#include "engine/connector.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/check.h"
#include "sql/nearest.h"

namespace penstock::engine {
namespace {

using Type = ConnectorOption::Type;

constexpr std::array<ConnectorOption, 3> kSourceCommon = {{
    {.name = "connector", .help = "Which kind of connector it is", .required = true},
    {.name = "topic", .help = "The topic that it writes; made when missing", .required = true},
    {.name = "partitions",
     .type = Type::number,
     .help = "Of the topic, when it is made; the default is the service's, else 1",
     .min = 1,
     .max = 1024},
}};
constexpr std::array<ConnectorOption, 2> kSinkCommon = {{
    {.name = "connector", .help = "Which kind of connector it is", .required = true},
    {.name = "topic", .help = "The topic that it reads, from its beginning", .required = true},
}};

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

Error bad_option(std::string text) {
  return Error(ErrorCode::invalid_statement, std::move(text));
}

}  // namespace

std::string_view name_of(ConnectorDirection direction) {
  return direction == ConnectorDirection::source ? "SOURCE" : "SINK";
}

std::span<const ConnectorOption> common_options(ConnectorDirection direction) {
  if (direction == ConnectorDirection::source) return kSourceCommon;
  return kSinkCommon;
}

std::optional<std::string_view> secret_reference(std::string_view text) {
  constexpr std::string_view kBegin = "${secret:";
  if (!text.starts_with(kBegin) || !text.ends_with('}')) return std::nullopt;
  text.remove_prefix(kBegin.size());
  text.remove_suffix(1);
  return text;
}

bool ConnectorOptions::has(std::string_view name) const {
  const auto text = texts_.find(name);
  return secrets_.contains(name) || (text != texts_.end() && !text->second.empty());
}

std::string_view ConnectorOptions::text(std::string_view name) const {
  const auto at = texts_.find(name);
  return at == texts_.end() ? std::string_view() : std::string_view(at->second);
}

std::int64_t ConnectorOptions::number(std::string_view name) const {
  const std::string_view digits = text(name);
  std::int64_t out = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return out;
}

bool ConnectorOptions::flag(std::string_view name) const {
  return text(name) == "true";
}

ByteView ConnectorOptions::secret(std::string_view name) const {
  const auto at = secrets_.find(name);
  return at == secrets_.end() ? ByteView() : at->second.view();
}

const ConnectorKind* ConnectorCatalogue::find(std::string_view name) const {
  const auto kinds = all();
  const auto at = std::ranges::find(kinds, name, &ConnectorKind::name);
  return at == kinds.end() ? nullptr : &*at;
}

class ConnectorOptionReader {
 public:
  ConnectorOptionReader(const ConnectorRules& rules, bool resolve)
      : rules_(rules), resolve_(resolve) {}

  Result<> take(const ConnectorOption& option, const std::string& value) {
    const auto secret = secret_reference(value);
    if (secret) return take_secret(option, *secret);
    if (option.secret) return take_literal(option, value);
    switch (option.type) {
      case Type::text:
        break;
      case Type::flag:
        if (lowered(value) != "true" && lowered(value) != "false")
          return fail(
              bad_option(fmt::format("Option '{}': expected 'true' or 'false'.", option.name)));
        out_.texts_[std::string(option.name)] = lowered(value);
        return {};
      case Type::number:
        TRY(check_number(option, value));
        break;
    }
    out_.texts_[std::string(option.name)] = value;
    return {};
  }

  void take_fallback(const ConnectorOption& option) {
    if (!option.fallback.empty())
      out_.texts_.try_emplace(std::string(option.name), std::string(option.fallback));
  }

  ConnectorOptions done() { return std::move(out_); }

 private:
  Result<> take_secret(const ConnectorOption& option, std::string_view name) {
    if (!option.secret)
      return fail(bad_option(fmt::format(
          "Option '{}' is no secret: what it says is shown, so it stands in the statement.",
          option.name)));
    if (!resolve_) {  // that it is given counts
      out_.secrets_[std::string(option.name)] = TRY(SecretBuffer::create_copy(as_bytes(" ")));
      return {};
    }
    if (!rules_.secrets)
      return fail(ErrorCode::not_found,
                  fmt::format("Option '{}': there are no secrets here: they come from the member "
                              "\"secrets\" of the file given with --keys, or from the manager.",
                              option.name));
    out_.secrets_[std::string(option.name)] =
        TRY_IN(rules_.secrets(name), fmt::format("option '{}', secret '{}'", option.name, name));
    return {};
  }

  Result<> take_literal(const ConnectorOption& option, const std::string& value) {
    if (rules_.keys_loaded)
      return fail(ErrorCode::permission_denied,
                  fmt::format("Option '{0}' is a secret, and whoever runs this machine reads the "
                              "statement: put it into the key file's \"secrets\" or the manager's "
                              "resource <app>/secret/NAME, and write {0}='${{secret:NAME}}'.",
                              option.name));
    out_.secrets_[std::string(option.name)] = TRY(SecretBuffer::create_copy(as_bytes(value)));
    return {};
  }

  static Result<> check_number(const ConnectorOption& option, const std::string& value) {
    std::int64_t number = 0;
    const char* end = value.data() + value.size();
    const auto parsed = std::from_chars(value.data(), end, number);
    if (parsed.ec == std::errc() && parsed.ptr == end && number >= option.min &&
        number <= option.max)
      return {};
    return fail(bad_option(fmt::format("Option '{}': expected a whole number from {} to {}.",
                                       option.name, option.min, option.max)));
  }

  const ConnectorRules& rules_;
  const bool resolve_;
  ConnectorOptions out_;
};

Result<ConnectorOptions> read_options(const ConnectorKind& kind, ConnectorDirection direction,
                                      const ConnectorTexts& texts, const ConnectorRules& rules,
                                      bool resolve) {
  std::vector<const ConnectorOption*> declared;
  for (const ConnectorOption& option : common_options(direction)) declared.push_back(&option);
  const auto own =
      direction == ConnectorDirection::source ? kind.source_options : kind.sink_options;
  if (own.empty())
    return fail(bad_option(fmt::format("Connector '{}' is no {}.", kind.name, name_of(direction))));
  for (const ConnectorOption& option : own) declared.push_back(&option);
  ConnectorOptionReader reader(rules, resolve);
  for (const auto& [name, value] : texts) {
    const auto at =
        std::ranges::find(declared, name, [](const auto* option) { return option->name; });
    if (at == declared.end()) {
      std::vector<std::string_view> names;
      for (const ConnectorOption* option : declared) names.push_back(option->name);
      const std::string hint = sql::did_you_mean(name, std::span<const std::string_view>(names));
      return fail(bad_option(fmt::format("Option '{}' is not known to a {} connector of '{}'.{}",
                                         name, lowered(name_of(direction)), kind.name,
                                         hint.empty() ? " docs/mqtt.md lists them." : hint)));
    }
    TRY(reader.take(**at, value));
  }
  for (const ConnectorOption* option : declared) {
    if (texts.contains(option->name)) continue;
    if (option->required)
      return fail(
          bad_option(fmt::format("Option '{}' is missing: {}.", option->name, option->help)));
    reader.take_fallback(*option);
  }
  return reader.done();
}

}  // namespace penstock::engine
