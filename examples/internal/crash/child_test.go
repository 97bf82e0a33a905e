package crash

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/latchkey-go/latchkey/auth/sqlstore"
	"github.com/latchkey-go/latchkey/keys"
)

// A child is this test binary in another process, started by environment variables to do a job and be killed.
const (
	jobVariable    = "CRASH_CHILD_JOB"
	engineVariable = "CRASH_CHILD_ENGINE"
	dsnVariable    = "CRASH_CHILD_DSN"
	numberVariable = "CRASH_CHILD_NUMBER" // of the round, of the statement to die before, or of bytes
)

// command is a child that has not been started yet.
func command(t *testing.T, job string, e engine, dsn string, number int) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), jobVariable+"="+job, engineVariable+"="+e.driver, dsnVariable+"="+dsn,
		fmt.Sprintf("%s=%d", numberVariable, number))
	cmd.Stderr = os.Stderr
	return cmd
}

// runChild does the job and returns the exit code. It ends after a while if it is not killed.
func runChild(job string) int {
	time.AfterFunc(30*time.Second, func() { os.Exit(3) })
	e := sqlite
	if os.Getenv(engineVariable) == postgres.driver {
		e = postgres
	}
	number, err := strconv.Atoi(os.Getenv(numberVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	jobs := map[string]func(context.Context, engine, string, int) error{
		"work": childWork, "migrate": childMigrate, "cramped": childCramped,
	}
	if err := jobs[job](context.Background(), e, os.Getenv(dsnVariable), number); err != nil {
		fmt.Fprintf(os.Stderr, "child: %v\n", err)
		return 1
	}
	return 0
}

const workers = 4

// childWork runs workers and reports their steps on standard output, one write each, which reaches the parent even if
// this process is killed.
func childWork(ctx context.Context, e engine, dsn string, round int) error {
	db, err := e.connect(dsn)
	if err != nil {
		return err
	}
	store, err := sqlstore.Open(ctx, db, e.dialect)
	if err != nil {
		return err
	}
	ring, err := keys.Open(keys.Config{Store: store.Keys(), LastUsed: store.Keys(), Feed: store.Keys()})
	if err != nil {
		return err
	}
	var mu sync.Mutex
	tell := func(s step) {
		if s.Done && rand.IntN(10) == 0 {
			time.Sleep(rand.N(2 * time.Millisecond)) // a time to be killed in: done, but not reported
		}
		line, err := json.Marshal(s)
		if err != nil {
			panic(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if _, err := os.Stdout.Write(append(line, '\n')); err != nil {
			os.Exit(4) // the parent has ended
		}
	}
	return haveWork(ctx, ring, fmt.Sprintf("round%d", round), tell)
}

// haveWork starts workers, on new keys and on some existing ones, and returns the first error.
func haveWork(ctx context.Context, ring *keys.Ring, name string, tell func(step)) error {
	found, err := ring.List(ctx, keys.Filter{State: keys.StateActive, Limit: 1000})
	if err != nil {
		return err
	}
	rand.Shuffle(len(found), func(i, j int) { found[i], found[j] = found[j], found[i] })
	failed := make(chan error, workers)
	for i := range workers {
		w := &worker{ring: ring, name: fmt.Sprintf("%s-%d", name, i), tell: tell}
		for j := i; j < min(len(found), 10*workers); j += workers {
			w.mine = append(w.mine, found[j].ID)
		}
		go func() { failed <- w.work(ctx) }()
	}
	var first error
	for range workers {
		if err := <-failed; first == nil {
			first = err
		}
	}
	return first
}

// runAndKill starts a working child, kills it at a random time and notes its reports. It returns the keys that the
// child worked on.
func runAndKill(t *testing.T, l *ledger, e engine, dsn string, round int) (touched []string) {
	t.Helper()
	cmd := command(t, "work", e, dsn, round)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	kill := func() { _ = cmd.Process.Kill() } // SIGKILL
	defer kill()
	if round%10 == 9 {
		time.AfterFunc(rand.N(100*time.Millisecond), kill) // likely while it opens
	}
	var once sync.Once
	steps := json.NewDecoder(out)
	for {
		var s step
		if err := steps.Decode(&s); err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		} else {
			require.NoError(t, err)
		}
		once.Do(func() { time.AfterFunc(rand.N(150*time.Millisecond), kill) })
		l.note(s)
		if s.What != "issue" || s.Done {
			touched = append(touched, s.Key)
		}
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "the child ended by itself")
	require.Equal(t, "signal: killed", exit.Error(), "the child was not killed, but failed")
	return touched
}
