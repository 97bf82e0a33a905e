package main

import (
	"bufio"
	"context"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each server starts, says where it listens, and stops.
func TestRun(t *testing.T) {
	for _, name := range frameworks {
		ctx, stop := context.WithCancel(t.Context())
		out, in := io.Pipe()
		done := make(chan error, 1)
		go func() { done <- run(ctx, name, "127.0.0.1:0", in) }()
		line, err := bufio.NewReader(out).ReadString('\n')
		require.NoError(t, err)
		require.Regexp(t, `^listening on 127\.0\.0\.1:\d+ with `+name+`; key API-[0-9a-f]{40} \(role editor\)\n$`, line)
		stop()
		require.NoError(t, <-done, name)
	}
	require.ErrorContains(t, run(t.Context(), "cobol", "127.0.0.1:0", io.Discard), `"cobol" is none of net/http, chi,`)
}
