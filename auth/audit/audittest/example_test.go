package audittest_test

import (
	"testing"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/audit/audittest"
)

// A host calls the suite from the tests of its own log, which opens a new one, with nothing in it, each time.
func Example() {
	// func TestLog(t *testing.T)
	testLog := func(t *testing.T) {
		audittest.TestLog(t, func(*testing.T) audit.Log { return audit.NewMemoryLog(0) })
	}
	_ = testLog
}
