#include <algorithm>
#include <cctype>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "base/file.h"
#include "cli/command.h"
#include "cli/limits.h"
#include "cli/policy_explain.h"
#include "crypto/jwk.h"
#include "crypto/random.h"
#include "data/time_text.h"
#include "seal/keyring.h"
#include "seal/policy.h"

namespace penstock::cli {
namespace {

constexpr std::int64_t kDaySeconds = 24 * 3600;

std::string seconds_text(std::int64_t seconds) {
  return data::timestamp_text(seconds * 1000) + "Z";
}

std::string policy_keys_text(const seal::KeyRing& ring, const std::string& id) {
  bool opens = ring.reader_key(id) != nullptr, seals = ring.producer_key(id) != nullptr;
  if (opens && seals) return "opens and seals (SECRET)";
  if (opens) return "opens (SECRET)";
  return seals ? "seals (SECRET)" : "no keys";
}

// `policy new`
class NewPolicyFiles {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("--id", id_, "Name of the policy: letters, digits, '.', '_' and '-'")
        ->required();
    verb.add_option("--topic", topics_, "Topic that it covers; may be given several times")
        ->required();
    verb.add_option("--out", folder_, "Folder for the files; made when missing")->required();
    verb.add_option("--days", days_, "Days that it holds")
        ->check(CLI::Range(1, 36'500))
        ->capture_default_str();
    verb.add_flag("--schema-required", schema_required_, "Sealed records must name their schema");
    verb.add_option("--reader", reader_names_,
                    "Name of a reader with a key of its own; may be given several times")
        ->allow_extra_args(false);
    verb.add_option("--producer", producer_names_,
                    "Name of a producer with a key of its own; may be given several times")
        ->allow_extra_args(false);
    verb.footer(
        "Example:\n  penstock policy new --id payments-v1 --topic payments --out keys\n"
        "  penstock policy new --id payments-v1 --topic payments --out keys \\\n"
        "      --reader server --reader fraud --producer till-1 --producer till-2");
  }

  Result<> run() const {
    TRY(check_names(reader_names_));
    TRY(check_names(producer_names_));
    TRY(prepare_folder());
    const std::vector<Holder> readers = TRY(make_holders(reader_names_));
    const std::vector<Holder> producers = TRY(make_holders(producer_names_));
    const crypto::P256PrivateKey owner =
        TRY(crypto::P256PrivateKey::generate(crypto::system_random()));
    const seal::Policy policy = TRY(make_policy(readers, producers, owner));
    TRY(write_owner_key(owner));
    std::string document = policy.to_json().dump(2) + "\n";
    TRY(write_file(policy_file(), as_bytes(document)));
    TRY(write_ring(policy, keys_file(), &readers.front(), &producers.front()));
    TRY(seal::add_state_key(keys_file(), crypto::system_random()));
    for (const Holder& reader : readers)
      TRY(write_ring(policy, reader_file(reader.name), &reader, nullptr));
    for (const Holder& producer : producers)
      TRY(write_ring(policy, producer_file(producer.name), nullptr, &producer));
    print(policy);
    return {};
  }

 private:
  // Who has a key; no name: the only one of its kind.
  struct Holder {
    std::string name;
    crypto::P256PrivateKey key;
  };

  // They become parts of file names.
  static Result<> check_names(const std::vector<std::string>& names) {
    for (auto it = names.begin(); it != names.end(); ++it) {
      const bool clean = !it->empty() && std::ranges::all_of(*it, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_';
      });
      if (!clean || std::find(names.begin(), it, *it) != it)
        return fail(ErrorCode::invalid_argument,
                    fmt::format("'{}': a reader's or producer's name is letters, digits, '_' and "
                                "'-', and each is given once",
                                *it));
    }
    return {};
  }

  static Result<std::vector<Holder>> make_holders(std::vector<std::string> names) {
    if (names.empty()) names.emplace_back();
    std::vector<Holder> holders;
    for (std::string& name : names) {
      auto key = TRY(crypto::P256PrivateKey::generate(crypto::system_random()));
      holders.push_back({std::move(name), std::move(key)});
    }
    return holders;
  }

  Result<seal::Policy> make_policy(const std::vector<Holder>& readers,
                                   const std::vector<Holder>& producers,
                                   const crypto::P256PrivateKey& owner) const {
    seal::PolicySpec spec;
    spec.id = id_;
    spec.topics = topics_;
    for (const Holder& reader : readers) spec.readers.push_back(reader.key.public_key());
    for (const Holder& producer : producers) spec.producers.push_back(producer.key.public_key());
    spec.schema_required = schema_required_;
    spec.not_after_s = system_clock().now_ms() / 1000 + days_ * kDaySeconds;
    return TRY(seal::Policy::create(std::move(spec))).signed_by(owner);
  }

  static Result<> write_ring(const seal::Policy& policy, const std::filesystem::path& path,
                             const Holder* reader, const Holder* producer) {
    seal::KeyRing ring;
    TRY(ring.add_policy(policy));
    if (reader != nullptr) TRY(ring.set_reader_key(policy.id(), TRY(reader->key.create_clone())));
    if (producer != nullptr)
      TRY(ring.set_producer_key(policy.id(), TRY(producer->key.create_clone())));
    return seal::write_keys(ring, path, {.policy_keys = true, .producer_keys = true});
  }

  std::filesystem::path file(std::string_view suffix) const {
    return folder_ / fmt::format("{}.{}", id_, suffix);
  }
  std::filesystem::path file_of(const std::string& name, std::string_view suffix) const {
    return name.empty() ? file(suffix) : file(fmt::format("{}.{}", name, suffix));
  }
  std::filesystem::path policy_file() const { return file("policy.json"); }
  std::filesystem::path keys_file() const { return file("keys.json"); }
  std::filesystem::path reader_file(const std::string& name) const {
    return file_of(name, "reader.keys.json");
  }
  std::filesystem::path producer_file(const std::string& name) const {
    return file_of(name, "producer.keys.json");
  }
  // Their files, in order.
  std::vector<std::filesystem::path> holder_files() const {
    std::vector<std::filesystem::path> files;
    if (reader_names_.empty()) files.push_back(reader_file(""));
    for (const std::string& name : reader_names_) files.push_back(reader_file(name));
    if (producer_names_.empty()) files.push_back(producer_file(""));
    for (const std::string& name : producer_names_) files.push_back(producer_file(name));
    return files;
  }
  std::filesystem::path owner_file() const { return file("owner.key.json"); }

  Result<> prepare_folder() const {
    std::error_code error;
    std::filesystem::create_directories(folder_, error);
    if (error) return fail(os_error("making the folder", folder_, error.value()));
    std::vector<std::filesystem::path> files = holder_files();
    files.insert(files.end(), {policy_file(), keys_file(), owner_file()});
    for (const std::filesystem::path& path : files)
      if (std::filesystem::exists(path, error))
        return fail(
            ErrorCode::already_exists,
            fmt::format("'{}' is there already and keys are never overwritten; take another "
                        "--id or --out",
                        path.string()));
    return {};
  }

  Result<> write_owner_key(const crypto::P256PrivateKey& owner) const {
    Json jwk = crypto::to_jwk(owner);
    std::string text = jwk.dump();
    Result<> written = write_file(owner_file(), as_bytes(text), 0600);
    wipe({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    crypto::wipe_json(jwk);
    return written;
  }

  void print(const seal::Policy& policy) const {
    fmt::print(
        "Policy '{}' covers {} and holds until {}.\n"
        "Digest {}\n\n"
        "  {}\n"
        "      the policy: public, signed by its owner. For everybody.\n"
        "  {}\n"
        "      SECRET: opens{} and seals{}, and protects a service's positions and state.\n"
        "      For the stream server (or the enclave) alone.\n",
        id_, fmt::join(topics_, ", "), seconds_text(policy.not_after_s()), to_hex(policy.digest()),
        policy_file().string(), keys_file().string(), as_whom(reader_names_),
        as_whom(producer_names_));
    const std::vector<std::filesystem::path> files = holder_files();
    const std::size_t readers = std::max<std::size_t>(1, reader_names_.size());
    for (std::size_t i = 0; i < files.size(); ++i)
      fmt::print("  {}\n      {}\n", files[i].string(),
                 i < readers ? "SECRET: opens; could forge records of what it opens. For people "
                               "who may read, with "
                               "`penstock consume --open`."
                             : "SECRET: seals, cannot open. For the producers of the topic.");
    fmt::print(
        "  {}\n"
        "      SECRET: the owner's signing key; changes of the policy need it. Keep it offline.\n",
        owner_file().string());
  }

  // The server's file holds one key of a kind: the first one's.
  static std::string as_whom(const std::vector<std::string>& names) {
    return names.empty() ? "" : fmt::format(" as {}", names.front());
  }

  std::string id_;
  std::vector<std::string> topics_, reader_names_, producer_names_;
  std::filesystem::path folder_;
  int days_ = 365;
  bool schema_required_ = false;
};

// `policy show`
class ShowPolicy {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("FILE", file_, "Policy document or key file")->required();
    verb.footer("Example:\n  penstock policy show keys/payments-v1.policy.json");
  }

  Result<> run() const {
    std::string text = TRY(read_file(file_, kPolicyFileBytesMax));
    Json document = TRY(parse_json(text, file_.string(), {.bytes_max = kPolicyFileBytesMax}));
    if (document.is_object() && document.contains("policies")) return show_keys();
    seal::Policy policy = TRY_IN(seal::Policy::from_json(document), file_.string());
    show(policy);
    return {};
  }

 private:
  Result<> show_keys() const {
    seal::KeyRing ring = TRY(seal::load_keys(file_));
    for (const std::string& id : ring.policy_ids()) {
      show(*TRY(ring.policy(id)));
      fmt::print("keys here    {}\n\n", policy_keys_text(ring, id));
    }
    fmt::print("state key    {}\n", ring.state_key().empty() ? "none" : "here (SECRET)");
    return {};
  }

  static void show(const seal::Policy& policy) {
    fmt::print("policy       {}\nversion      {}\ndigest       {}\ntopics       {}\n", policy.id(),
               policy.version(), to_hex(policy.digest()), fmt::join(policy.topics(), ", "));
    for (const crypto::P256PublicKey& key : policy.readers())
      fmt::print("reader       {}\n", to_hex(key.thumbprint()));
    for (const crypto::P256PublicKey& key : policy.producers())
      fmt::print("producer     {}\n", to_hex(key.thumbprint()));
    bool expired = policy.not_after_s() * 1000 < system_clock().now_ms();
    fmt::print("holds until  {}{}\n", seconds_text(policy.not_after_s()),
               expired ? "  EXPIRED: nothing is sealed or granted any more" : "");
    if (policy.schema_required()) fmt::print("schema       required\n");
    if (policy.owner())
      fmt::print("signature    good, by owner {}\n", to_hex(policy.owner()->thumbprint()));
    else
      fmt::print("signature    NONE: nobody vouches for this document\n");
  }

  std::filesystem::path file_;
};

// `policy combine`
class CombineKeys {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("FILE", files_, "Key files")->required();
    verb.add_option("--out", out_, "Key file to write; must not exist")->required();
    verb.footer(
        "Example:\n  penstock policy combine payments-v1.reader.keys.json \\\n"
        "      review-v1.producer.keys.json --out server.keys.json");
  }

  Result<> run() {
    seal::KeyRing all;
    state_key_from_.clear();
    for (const std::string& file : files_) {
      seal::KeyRing ring = TRY(seal::load_keys(file));
      for (const std::string& id : ring.policy_ids()) TRY_IN(add(ring, id, all), file);
      if (!ring.state_key().empty()) TRY(take_state_key(ring, file, all));
      for (const std::string& name : ring.secret_names())
        TRY(all.set_secret(name, TRY(ring.secret(name))));
    }
    TRY(seal::write_keys(all, out_, {}));
    for (const std::string& id : all.policy_ids())
      fmt::print("{}: policy '{}', {}\n", out_.string(), id, policy_keys_text(all, id));
    print_state_key();
    return {};
  }

 private:
  static Result<> add(const seal::KeyRing& from, const std::string& id, seal::KeyRing& to) {
    const seal::Policy& policy = *TRY(from.policy(id));
    if (Result<const seal::Policy*> known = to.policy(id); !known) {
      TRY(to.add_policy(policy));
    } else if ((*known)->digest() != policy.digest()) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("holds another policy of the name '{}' than a file before it", id));
    }
    if (const crypto::P256PrivateKey* key = from.reader_key(id); key && !to.reader_key(id))
      TRY(to.set_reader_key(id, TRY(key->create_clone())));
    if (const crypto::P256PrivateKey* key = from.producer_key(id); key && !to.producer_key(id))
      TRY(to.set_producer_key(id, TRY(key->create_clone())));
    return {};
  }

  // The first file's; a service has one, and what it stored hangs on it.
  Result<> take_state_key(const seal::KeyRing& from, const std::string& file, seal::KeyRing& to) {
    if (state_key_from_.empty()) TRY(to.set_state_key(SecretBuffer::copy_of(from.state_key())));
    state_key_from_.push_back(file);
    return {};
  }

  void print_state_key() const {
    const std::string out = out_.string();
    if (state_key_from_.empty())
      return fmt::print(
          "{0}: no state key, as none of the files has one; a server needs it: "
          "penstock policy state-key {0}\n",
          out);
    fmt::print("{}: the state key of {}\n", out, state_key_from_.front());
    for (std::size_t i = 1; i < state_key_from_.size(); ++i)
      fmt::print("{}: the state key of {} is left out\n", out, state_key_from_[i]);
  }

  std::vector<std::string> files_;
  std::vector<std::string> state_key_from_;  // files that have one
  std::filesystem::path out_;
};

// `policy state-key`
class AddStateKey {
 public:
  void declare(CLI::App& verb) {
    verb.add_option("FILE", file_, "Key file of a server; it is replaced at once")->required();
    verb.footer("Example:\n  penstock policy state-key keys/server.keys.json");
  }

  Result<> run() const {
    TRY(seal::add_state_key(file_, crypto::system_random()));
    fmt::print(
        "{}: has a state key now. A service's positions and state hang on it: keep it as "
        "long as them\n",
        file_.string());
    return {};
  }

 private:
  std::filesystem::path file_;
};

class PolicyCommand final : public Command {
 public:
  void declare(CLI::App& verb) override {
    verb.require_subcommand(1);
    make_verb_ = verb.add_subcommand("new", "Make a policy and its keys");
    make_.declare(*make_verb_);
    combine_verb_ = verb.add_subcommand("combine", "Put the keys of several files into one");
    combine_.declare(*combine_verb_);
    state_key_verb_ = verb.add_subcommand("state-key", "Add a state key to a server's key file");
    state_key_.declare(*state_key_verb_);
    show_.declare(
        *verb.add_subcommand("show", "What a policy says, and whether its signature holds"));
    explain_verb_ = verb.add_subcommand(
        "explain", "A release policy in words, and what it would say to evidence");
    explain_.declare(*explain_verb_);
  }
  Result<> run() override {
    if (make_verb_->parsed()) return make_.run();
    if (explain_verb_->parsed()) return explain_.run();
    if (state_key_verb_->parsed()) return state_key_.run();
    return combine_verb_->parsed() ? combine_.run() : show_.run();
  }
  int answer_status() const override { return explain_.answer_status(); }

 private:
  CLI::App* explain_verb_ = nullptr;
  ExplainPolicy explain_;
  CLI::App* make_verb_ = nullptr;
  CLI::App* combine_verb_ = nullptr;
  CLI::App* state_key_verb_ = nullptr;
  NewPolicyFiles make_;
  CombineKeys combine_;
  AddStateKey state_key_;
  ShowPolicy show_;
};

}  // namespace

std::unique_ptr<Command> make_policy() {
  return std::make_unique<PolicyCommand>();
}

}  // namespace penstock::cli
