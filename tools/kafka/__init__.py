"""Real Apache Kafka on this machine, for tests and for play. Standard library only. See README.md."""
