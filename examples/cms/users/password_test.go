package users

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPasswords(t *testing.T) {
	const good = "correct horse battery"
	stored, err := digest(t.Context(), good)
	require.NoError(t, err)
	require.Regexp(t, `^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$`, stored)
	other, err := digest(t.Context(), good)
	require.NoError(t, err)
	require.NotEqual(t, stored, other, "each has a salt of its own")
	for password, want := range map[string]bool{good: true, good + " ": false, "Correct horse battery": false, "": false} {
		ok, err := matches(t.Context(), stored, password)
		require.NoError(t, err)
		require.Equal(t, want, ok, "%q", password)
	}
	ok, err := matches(t.Context(), unusable, "")
	require.NoError(t, err)
	require.False(t, ok)
	cheap := strings.Replace(stored, "t=2", "t=1", 1)
	ok, err = matches(t.Context(), cheap, good)
	require.NoError(t, err)
	require.False(t, ok, "the parameters are part of it")

	for _, bad := range []string{"", "short", strings.Repeat("x", MinPassword-1), strings.Repeat("x", MaxPassword+1), strings.Repeat("\xff", 20)} {
		_, err := digest(t.Context(), bad)
		require.ErrorIs(t, err, ErrPassword)
	}
	_, err = digest(t.Context(), strings.Repeat("ü", MinPassword))
	require.NoError(t, err)
	for _, bad := range []string{
		"", "plain", "$2y$10$abcdefghijklmnopqrstuv", strings.Replace(stored, "argon2id", "argon2i", 1), strings.Replace(stored, "m=19456", "m=99999999", 1),
		strings.Replace(stored, "v=19", "v=16", 1), strings.Replace(stored, "t=2", "t=0", 1), strings.Replace(stored, "p=1", "p=0", 1), stored[:len(stored)-4], stored + "A",
	} {
		ok, err := matches(t.Context(), bad, good)
		require.Error(t, err, bad)
		require.False(t, ok)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	for range cap(working) {
		working <- struct{}{}
	}
	_, err = digest(gone, good)
	require.ErrorIs(t, err, context.Canceled, "a caller that has gone does not wait for a turn")
	for range cap(working) {
		<-working
	}
}

// With any number of passwords, few wait and the others get an error at once.
func TestPasswordsAtOnce(t *testing.T) {
	for range cap(working) {
		working <- struct{}{}
	}
	gone, cancel := context.WithCancel(t.Context())
	answers := make(chan error, 2*cap(waiting))
	for range cap(answers) {
		go func() {
			_, err := matches(gone, unusable, "a password")
			answers <- err
		}()
	}
	for range cap(answers) - cap(waiting) {
		require.ErrorIs(t, <-answers, errBusy)
	}
	cancel()
	for range cap(waiting) {
		require.ErrorIs(t, <-answers, context.Canceled)
	}
	for range cap(working) {
		<-working
	}
	_, err := matches(t.Context(), unusable, "a password")
	require.NoError(t, err, "all turns are given back")
}
