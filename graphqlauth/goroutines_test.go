package graphqlauth_test

import (
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/keys"
)

// ours counts the goroutines in which this package, gqlgen's websockets or their library have a hand.
func ours() int {
	buf := make([]byte, 32<<20)
	n := 0
	for stack := range strings.SplitSeq(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(stack, "graphqlauth.") && !strings.Contains(stack, "graphqlauth_test.Test") || strings.Contains(stack, "transport.(*") || strings.Contains(stack, "coder/websocket") {
			n++
		}
	}
	return n
}

// A thousand open sockets of one key, each with a silent subscription, are closed as it ends, and leave nothing.
func TestAThousandSocketsAreClosedAndLeaveNothing(t *testing.T) {
	const many = 1000
	n := newNewsroom(t, newsOptions{})
	before := ours()
	issued := n.key("reader")
	sockets := make([]*client, many)
	for i := range sockets {
		sockets[i] = n.socket(dialects[i%2], keyPayload(issued.Key.Reveal()))
		sockets[i].ask("1", "subscription { news }")
	}
	n.listening(many)
	began := time.Now()
	require.NoError(t, n.ring.Invalidate(t.Context(), issued.Record.ID))
	n.listening(0)
	cut := time.Since(began)
	for _, s := range sockets {
		require.Equal(t, 4403, s.ends())
		_ = s.conn.Close()
	}
	t.Logf("%d sockets: every subscription over after %v, every socket closed with 4403 after %v", many, cut, time.Since(began))
	require.Less(t, cut, 10*time.Second) // a thousand, under the race detector, on a busy machine
	require.Eventually(t, func() bool { return ours() <= before }, 20*time.Second, 20*time.Millisecond)
}

// The one goroutine ends with the last stream, and comes back with the next.
func TestNothingRunsWithoutStreams(t *testing.T) {
	n := newNewsroom(t, newsOptions{bound: 20 * time.Millisecond})
	before := ours()
	for range 20 {
		issued := n.custom(keys.Custom{Role: "reader"})
		s := n.socket(modern, keyPayload(issued.Key.Reveal()))
		s.ask("1", "subscription { news }")
		n.listening(1)
		require.Greater(t, ours(), before)
		s.write(8, []byte{0x03, 0xe8})
		_ = s.conn.Close()
		require.Eventually(t, func() bool { return ours() <= before }, 20*time.Second, 5*time.Millisecond)
	}
}

// A client that does not read keeps a writer waiting, and with it gqlgen's lock. It is closed anyway, and its
// goroutines end once the library has given up on the close handshake, after some seconds.
func TestAClientThatDoesNotReadIsCut(t *testing.T) {
	if os.Getenv("LATCHKEY_LONG") == "" {
		t.Skip("takes 10 seconds: set LATCHKEY_LONG=1")
	}
	n := newNewsroom(t, newsOptions{})
	before := ours()
	issued := n.key("reader")
	s := n.socket(modern, keyPayload(issued.Key.Reveal()))
	s.ask("1", "subscription { news }")
	n.listening(1)
	for n.tell(strings.Repeat("x", 1<<20)) > 0 { // until no subscription takes it for five seconds
	}
	require.NoError(t, n.ring.Invalidate(t.Context(), issued.Record.ID))
	n.listening(0)
	require.Eventually(t, func() bool { return ours() <= before }, 20*time.Second, 20*time.Millisecond)
}
