package door

import (
	"errors"
	"os"
	"testing"
)

func TestEnter(t *testing.T) {
	if err := Enter(17); !errors.Is(err, ErrClosed) {
		t.Error("17:", err)
	}
	if err := Enter(18); err != nil {
		t.Error("18:", err)
	}
	if os.Getenv("LATCHKEY_LONG") != "" {
		t.Error("the long form of the tests is asked for")
	}
}
