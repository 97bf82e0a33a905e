package graphqlauth_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The two subprotocols, with their names for the same messages.
type dialect struct{ name, subscribe, next, stop string }

var (
	modern   = dialect{"graphql-transport-ws", "subscribe", "next", "complete"}
	legacy   = dialect{"graphql-ws", "start", "data", "stop"}
	dialects = []dialect{modern, legacy}
)

// A message is one of either subprotocol.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// A closed is the close frame that ended a connection.
type closed struct {
	code   int
	reason string
}

func (c closed) Error() string { return fmt.Sprintf("closed with %d %q", c.code, c.reason) }

// A client speaks RFC 6455 as far as a test needs it, and uses no goroutine.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
	dialect
}

// dial opens a socket, or returns the answer to a refused upgrade.
func dial(t testing.TB, address string, d dialect, header ...string) (*client, *http.Response) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(address, "http://"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	var b strings.Builder
	b.WriteString("GET /graphql HTTP/1.1\r\nHost: " + strings.TrimPrefix(address, "http://") + "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: " + d.name + "\r\n")
	for i := 0; i < len(header); i += 2 {
		b.WriteString(header[i] + ": " + header[i+1] + "\r\n")
	}
	_, err = io.WriteString(conn, b.String()+"\r\n")
	require.NoError(t, err)
	c := &client{t, conn, bufio.NewReader(conn), d}
	resp, err := http.ReadResponse(c.in, nil)
	require.NoError(t, err)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, resp
	}
	require.Equal(t, d.name, resp.Header.Get("Sec-WebSocket-Protocol"))
	return c, resp
}

func (c *client) write(opcode byte, p []byte) {
	c.t.Helper()
	frame := []byte{0x80 | opcode}
	if len(p) < 126 {
		frame = append(frame, 0x80|byte(len(p)))
	} else {
		frame = binary.BigEndian.AppendUint16(append(frame, 0x80|126), uint16(len(p)))
	}
	frame = append(frame, 0, 0, 0, 0) // a mask of zeroes masks nothing
	_, err := c.conn.Write(append(frame, p...))
	require.NoError(c.t, err)
}

func (c *client) send(m message) {
	c.t.Helper()
	text, err := json.Marshal(m)
	require.NoError(c.t, err)
	c.write(1, text)
}

// receive returns the next message that is not a keep-alive, or the error that ended the connection: a closed, if
// there was a close frame, which it answers.
func (c *client) receive() (message, error) {
	for {
		_ = c.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		var head [2]byte
		if _, err := io.ReadFull(c.in, head[:]); err != nil {
			return message{}, err
		}
		size := int(head[1] & 0x7f)
		switch size {
		case 126:
			var long [2]byte
			if _, err := io.ReadFull(c.in, long[:]); err != nil {
				return message{}, err
			}
			size = int(binary.BigEndian.Uint16(long[:]))
		case 127:
			return message{}, fmt.Errorf("a frame longer than any here")
		}
		p := make([]byte, size)
		if _, err := io.ReadFull(c.in, p); err != nil {
			return message{}, err
		}
		if head[0]&0x0f == 8 {
			if size < 2 {
				return message{}, closed{1005, ""}
			}
			_, _ = c.conn.Write(append([]byte{0x88, 0x80 | byte(size), 0, 0, 0, 0}, p...))
			return message{}, closed{int(binary.BigEndian.Uint16(p)), string(p[2:])}
		}
		var m message
		if err := json.Unmarshal(p, &m); err != nil {
			return message{}, err
		}
		if m.Type != "ka" {
			return m, nil
		}
	}
}

func (c *client) next() message {
	c.t.Helper()
	m, err := c.receive()
	require.NoError(c.t, err)
	return m
}

// ends reads until the connection is closed, and returns the code.
func (c *client) ends() int {
	c.t.Helper()
	for {
		if _, err := c.receive(); err != nil {
			var end closed
			require.ErrorAs(c.t, err, &end)
			return end.code
		}
	}
}

// init sends connection_init with this payload; "" is none.
func (c *client) init(payload string) {
	c.t.Helper()
	c.send(message{Type: "connection_init", Payload: json.RawMessage(payload)})
}

// begin is init for a payload that must be good.
func (c *client) begin(payload string) *client {
	c.t.Helper()
	c.init(payload)
	require.Equal(c.t, "connection_ack", c.next().Type)
	return c
}

func (c *client) ask(id, query string) {
	c.t.Helper()
	p, _ := json.Marshal(map[string]string{"query": query})
	c.send(message{ID: id, Type: c.subscribe, Payload: p})
}

// answer sends an operation that is no subscription, and returns the whole answer.
func (c *client) answer(id, query string) string {
	c.t.Helper()
	c.ask(id, query)
	m := c.next()
	require.Equal(c.t, c.dialect.next, m.Type)
	require.Equal(c.t, id, m.ID)
	require.Equal(c.t, message{ID: id, Type: "complete"}, c.next())
	return string(m.Payload)
}

func keyPayload(key string) string { return `{"api-key":"` + key + `"}` }
