-- Card payments arrive sealed. Analysts get them masked, in clear; the fraud team gets the large ones, sealed.

CREATE STREAM payments (
    card STRING,
    name STRING,
    amount DECIMAL(12, 2),
    merchant STRING,
    country STRING
  ) WITH (KAFKA_TOPIC='payments', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='payments-v1');

-- No SEAL: this sink is plain. The name is left out, the card keeps its last four digits.
CREATE STREAM payments_masked
  WITH (KAFKA_TOPIC='payments_masked', VALUE_FORMAT='JSON') AS
  SELECT
    MASK_KEEP_RIGHT(card, 4) AS card,
    amount,
    merchant,
    country,
    CASE WHEN amount >= 1000 THEN 'large' ELSE 'normal' END AS size
  FROM payments
  EMIT CHANGES;

-- Sealed again, under another policy: only the fraud team's key opens it.
CREATE STREAM payments_review
  WITH (KAFKA_TOPIC='payments_review', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='review-v1') AS
  SELECT card, name, amount, merchant, country
  FROM payments
  WHERE amount >= 1000
  EMIT CHANGES;
