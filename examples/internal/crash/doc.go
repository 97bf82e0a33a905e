// Package crash tests durability: keys on real databases whose client is killed, whose server crashes, whose disk is
// full, and keys that several callers change at the same time. It has only tests, and no example, since each of them
// needs a database.
//
// Each test prints a line that begins with SUMMARY. With LATCHKEY_LONG=1 it makes seven to twenty times as many
// rounds.
package crash
