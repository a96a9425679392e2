-- Devices publish sealed readings; the broker only moves them. They are opened in here, and sealed again on our disk.

CREATE STREAM readings (
    device STRING,
    sequence BIGINT,
    at BIGINT,
    celsius DOUBLE,
    bar DOUBLE
  ) WITH (KAFKA_TOPIC='readings', VALUE_FORMAT='JSON', PARTITIONS=2, SEAL='psr1', KEY_POLICY='plant-v1');

CREATE SOURCE CONNECTOR plant WITH (
    connector='mqtt', url='mqtt://localhost:1883', topics='plant/+', qos='1', topic='readings', payload='sealed',
    insecure='true');

-- For maintenance, sealed: every reading that is out of the ordinary, whole.
CREATE STREAM anomalies
  WITH (KAFKA_TOPIC='anomalies', VALUE_FORMAT='JSON', SEAL='psr1', KEY_POLICY='maintenance-v1') AS
  SELECT
    device,
    sequence,
    at,
    celsius,
    bar,
    CASE WHEN celsius > 80 THEN 'hot' WHEN bar < 5.5 THEN 'leak' ELSE 'pressure' END AS flag
  FROM readings
  WHERE celsius > 80 OR bar < 5.5 OR bar > 6.5
  EMIT CHANGES;

-- For the panel on the wall, in clear: which device has which flag, and no measurement.
CREATE STREAM alarms
  WITH (KAFKA_TOPIC='alarms', VALUE_FORMAT='JSON') AS
  SELECT
    device,
    sequence,
    CASE WHEN celsius > 80 THEN 'hot' ELSE 'pressure' END AS flag
  FROM readings
  WHERE celsius > 80 OR bar < 5.5 OR bar > 6.5
  EMIT CHANGES;

CREATE SINK CONNECTOR panel WITH (
    connector='mqtt', url='mqtt://localhost:1883', topic='alarms', to='alarms', qos='2', insecure='true');
