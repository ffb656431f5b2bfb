#!/bin/sh
# exec: the SDK stops only the process that it started. Flags: it lives for a minute, which no optimiser pays back.
exec java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp "$LONGWATCH_TEST_SERVER_LIB/*" io.temporal.testserver.TestServer "$@"
