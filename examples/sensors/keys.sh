#!/bin/sh
# keys.sh BIN OUT: the policies of the plant, and a key file for the server, which opens readings, seals them again, and
# seals anomalies that it cannot read.
set -eu
"$1/penstock" policy new --id plant-v1 --topic readings --out "$2"
"$1/penstock" policy new --id maintenance-v1 --topic anomalies --out "$2"
"$1/penstock" policy combine "$2/plant-v1.keys.json" "$2/maintenance-v1.producer.keys.json" --out "$2/server.keys.json"
