// A program on Kafka's own Java client, as others would write one: what it writes and reads is compared with ours.
// produce TOPIC: lines "key<TAB>value[<TAB>headers]" ("-" for no key) from standard input; prints a line of JSON per record.
//   headers: name=value in base64, or name alone (null), with commas between them.
// consume TOPIC,...: committed records from the first to the end at the start; prints a line of JSON per record.
// hold TOPIC: the lines in a transaction (property transactional.id) that stays open until standard input ends, and is aborted then;
//   an empty line ends the first ones, and "open" is printed when they are written.
// group GROUP: the offsets that a consumer group has committed.
// Properties of the client follow as arguments NAME=VALUE, bootstrap.servers among them. Values are printed as text and,
// for those that are none, in base64 ("raw").

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class ForeignClient {
    private static final Duration POLL = Duration.ofMillis(500);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.UTF_8);

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            System.err.println("usage: ForeignClient produce|consume|hold|group NAME bootstrap.servers=... [PROPERTY=VALUE...]");
            System.exit(2);
        }
        Properties settings = new Properties();
        for (int i = 2; i < arguments.length; i++) {
            String[] pair = arguments[i].split("=", 2);
            settings.put(pair[0], pair[1]);
        }
        switch (arguments[0]) {
            case "produce" -> produce(arguments[1], settings);
            case "consume" -> consume(arguments[1], settings);
            case "hold" -> hold(arguments[1], settings);
            case "group" -> group(arguments[1], settings);
            default -> throw new IllegalArgumentException("no verb " + arguments[0]);
        }
        OUT.flush();
    }

    private static void produce(String topic, Properties settings) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        List<String> keys = new ArrayList<>();
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        var text = new StringSerializer();
        try (var producer = new KafkaProducer<>(settings, text, text)) {
            for (String line; (line = lines.readLine()) != null; ) {
                String[] parts = line.split("\t", 3);
                String key = parts[0].equals("-") ? null : parts[0];
                keys.add(key);
                var record = new ProducerRecord<>(topic, key, parts[1]);
                for (String header : parts.length < 3 ? new String[0] : parts[2].split(",")) {
                    String[] pair = header.split("=", 2);
                    record.headers().add(pair[0], pair.length < 2 ? null : Base64.getDecoder().decode(pair[1]));
                }
                sent.add(producer.send(record));
            }
            producer.flush();
        }
        for (int i = 0; i < sent.size(); i++) {
            RecordMetadata at = sent.get(i).get();
            OUT.println("{\"partition\":" + at.partition() + ",\"offset\":" + at.offset() + ",\"key\":"
                    + quoted(keys.get(i)) + "}");
        }
    }

    private static void hold(String topic, Properties settings) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        var text = new StringSerializer();
        try (var producer = new KafkaProducer<>(settings, text, text)) {
            producer.initTransactions();
            producer.beginTransaction();
            for (String line; (line = lines.readLine()) != null && !line.isEmpty(); ) {
                producer.send(new ProducerRecord<>(topic, line));
            }
            producer.flush();
            OUT.println("open");
            OUT.flush();
            while (lines.readLine() != null) {
                continue;
            }
            producer.abortTransaction();
        }
    }

    private static void consume(String topics, Properties settings) {
        settings.putIfAbsent("isolation.level", "read_committed");
        settings.put("enable.auto.commit", "false");
        var bytes = new ByteArrayDeserializer();
        try (var consumer = new KafkaConsumer<>(settings, bytes, bytes)) {
            List<TopicPartition> partitions = new ArrayList<>();
            for (String topic : topics.split(",")) {
                consumer.partitionsFor(topic, PATIENCE)
                        .forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
            }
            consumer.assign(partitions);
            consumer.seekToBeginning(partitions);
            Map<TopicPartition, Long> ends = consumer.endOffsets(partitions, PATIENCE);
            while (ends.entrySet().stream().anyMatch(end -> consumer.position(end.getKey()) < end.getValue())) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(POLL)) {
                    print(record);
                }
            }
        }
    }

    private static void print(ConsumerRecord<byte[], byte[]> record) {
        StringBuilder headers = new StringBuilder(), list = new StringBuilder();
        for (Header header : record.headers()) {
            headers.append(headers.isEmpty() ? "" : ",").append(quoted(header.key())).append(":")
                    .append(quoted(latin(header.value())));
            list.append(list.isEmpty() ? "" : ",").append("[").append(quoted(header.key())).append(",")
                    .append(quoted(base64(header.value()))).append("]");
        }
        OUT.println("{\"topic\":" + quoted(record.topic()) + ",\"partition\":" + record.partition() + ",\"offset\":" + record.offset() + ",\"timestamp\":"
                + record.timestamp() + ",\"key\":" + quoted(text(record.key())) + ",\"value\":"
                + quoted(text(record.value())) + ",\"raw\":" + quoted(base64(record.value())) + ",\"headers\":{"
                + headers + "},\"header_list\":[" + list + "]}");
    }

    private static void group(String name, Properties settings) throws Exception {
        try (Admin admin = Admin.create(settings)) {
            Map<TopicPartition, OffsetAndMetadata> offsets =
                    admin.listConsumerGroupOffsets(name).partitionsToOffsetAndMetadata().get();
            offsets.forEach((at, offset) -> OUT.println("{\"topic\":" + quoted(at.topic()) + ",\"partition\":"
                    + at.partition() + ",\"offset\":" + offset.offset() + "}"));
        }
    }

    private static String text(byte[] value) {
        return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }

    private static String base64(byte[] value) {
        return value == null ? null : Base64.getEncoder().encodeToString(value);
    }

    private static String latin(byte[] value) {
        return value == null ? null : new String(value, StandardCharsets.ISO_8859_1);
    }

    private static String quoted(String value) {
        if (value == null) {
            return "null";
        }
        StringBuilder out = new StringBuilder("\"");
        for (char c : value.toCharArray()) {
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < 0x20 || c > 0x7e) {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        return out.append('"').toString();
    }
}
