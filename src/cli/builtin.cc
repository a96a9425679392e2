#include <array>

#include "cli/command.h"

namespace penstock::cli {
namespace {

constexpr std::array kCommands = {
    CommandEntry{
        "run", "Run a file of SQL without a server",
        "  penstock run --data data --until-end --keys payments-v1.keys.json payments.sql\n"
        "Run the same file again and it goes on exactly where it stopped.\n"
        "  penstock run --kafka broker:9092 --kafka-config kafka.toml --service payments "
        "payments.sql",
        make_run},
    CommandEntry{
        "produce", "Write lines of JSON from standard input into a topic",
        "  penstock produce --data data --topic clicks --partitions 4 --key user < clicks.jsonl\n"
        "  penstock produce --data data --topic payments --seal payments-v1 \\\n"
        "      --keys payments-v1.producer.keys.json < payments.jsonl\n"
        "  penstock produce --kafka broker:9092 --topic clicks < clicks.jsonl",
        make_produce},
    CommandEntry{
        "consume", "Print the records of a topic as lines of JSON",
        "  penstock consume --data data --topic payments_masked --from-beginning --limit 5\n"
        "  penstock consume --data data --topic payments_review --from-beginning --open \\\n"
        "      --keys review-v1.keys.json",
        make_consume},
    CommandEntry{"sql", "Statements and queries: interactive, or from -e, -f or standard input",
                 "  penstock sql --server http://127.0.0.1:8088\n"
                 "  penstock sql --data data -e 'SHOW STREAMS;'\n"
                 "  penstock sql --kafka broker:9092 --service payments\n"
                 "  penstock sql --sign review.key.pem --service-id payments -f change.sql",
                 make_sql},
    CommandEntry{"policy", "Make and look at the policies of sealed topics",
                 "  penstock policy new --id payments-v1 --topic payments --out keys\n"
                 "  penstock policy show keys/payments-v1.policy.json",
                 make_policy},
    CommandEntry{"config", "Put a configuration and the files that it names into one measured file",
                 "  penstock config pack penstock.toml --out service.initdata.toml", make_config},
    CommandEntry{"measure", "What evidence will say about a program or a configuration",
                 "  penstock measure penstockd service.initdata.toml", make_measure},
    CommandEntry{
        "manager", "Say to a penstock-manager what is approved, and see what it released",
        "  penstock manager build approve --app payments --binary penstockd --data manager\n"
        "  penstock manager audit --denied --data manager",
        make_manager},
    CommandEntry{"attest", "Ask a running penstockd what it is, and judge the answer",
                 "  penstock attest http://127.0.0.1:8088 --binary penstockd \\\n"
                 "      --config service.initdata.toml --platform-key platform.key.pem "
                 "--allow-simulated",
                 make_attest},
    CommandEntry{"evidence", "Verify evidence of a TEE that was put into files",
                 "  penstock evidence verify --type snp-report evidence=report.bin vcek=vcek.der "
                 "ask=ask.pem\n"
                 "  penstock evidence verify evidence-folder --json",
                 make_evidence},
    CommandEntry{
        "collateral", "Keep what vendors sign about their platforms, to judge with offline",
        "  penstock collateral import collateral.json tcb_info=tcb.json root_ca_crl=root.crl\n"
        "  penstock collateral check collateral.json --days 7",
        make_collateral},
    CommandEntry{"audit", "Check that a manager's audit log is whole and not an older copy",
                 "  penstock audit verify --data manager --head audit-head.json", make_audit},
    CommandEntry{"statement-key", "Make a key that signs statements (`penstock sql --sign`)",
                 "  penstock statement-key new --out review", make_statement_key},
    CommandEntry{"status", "What a running penstockd does: queries, lag, commits, trouble",
                 "  penstock status --server http://127.0.0.1:8088\n"
                 "  penstock status --data data --json",
                 make_status},
    CommandEntry{"mqtt", "Subscribe to an MQTT broker, or publish to it",
                 "  penstock mqtt sub -h broker -t 'plant/#' -v\n"
                 "  penstock mqtt pub -h broker -t plant/1/temperature -q 1 -m '{\"c\": 21.5}'",
                 make_mqtt},
    CommandEntry{
        "seal", "Seal lines for other publishers, for instance to an MQTT broker",
        "  sensor | penstock seal --keys plant-v1.producer.keys.json --topic readings \\\n"
        "      --mqtt-topic plant/1/raw | penstock mqtt pub -h broker -t plant/1/raw -q 1 -l",
        make_seal},
    CommandEntry{"token", "Make a token that logs a user in at a penstockd",
                 "  penstock token new --out alice.token --user alice", make_token},
    CommandEntry{"test", "Run files of SQL test cases: statements, records in, records out",
                 "  penstock test tests/stream/masking.json\n"
                 "  penstock test --json cases/*.json",
                 make_test},
    CommandEntry{"topics", "List, describe and remove topics",
                 "  penstock topics list --data data\n"
                 "  penstock topics describe --data data --topic payments",
                 make_topics},
    CommandEntry{"repair", "Say what is damaged in a data folder, and cut it off if told to",
                 "  penstock repair --data data\n"
                 "  penstock repair --data data --apply",
                 make_repair},
};

}  // namespace

std::span<const CommandEntry> builtin_commands() {
  return kCommands;
}

}  // namespace penstock::cli
