// Package crash holds tests of what survives: keys on real databases whose client is killed, whose server crashes,
// whose disk is full, and keys that several callers change at the same moment. It has no code besides its tests, and
// no example, since each of these needs a database.
//
// Each test prints a line that begins with SUMMARY. With LATCHKEY_LONG=1 it does its thing seven to twenty times as
// often.
package crash
