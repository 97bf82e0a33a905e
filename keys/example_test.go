package keys_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/latchkey-go/latchkey/keys"
)

// Issue a key, verify it, and replace its value. The old value is refused.
func Example() {
	ctx := context.Background()
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)

	issued, err := ring.IssueCustom(ctx, keys.Custom{Name: "Website build", Role: "editor"})
	if err != nil {
		fmt.Println(err)
		return
	}
	old := issued.Key.Reveal() // the only time that the value is available
	fmt.Println("issued:", len(old), "bytes that begin with", old[:4])

	verified, err := ring.Verify(ctx, old)
	fmt.Println("verified:", verified.Name(), "as", verified.Role(), err)
	verified.Used() // the request was authorized

	renewed, err := ring.Refresh(ctx, verified.ID(), keys.Renewal{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = ring.Verify(ctx, old)
	fmt.Println("old value:", err)
	_, err = ring.Verify(ctx, renewed.Key.Reveal())
	fmt.Println("new value:", err)

	_, err = ring.Verify(ctx, "API-made-up")
	fmt.Println("made up:", err, errors.Is(err, keys.ErrInvalid))

	// Output:
	// issued: 44 bytes that begin with API-
	// verified: Website build as editor <nil>
	// old value: keys: invalid key: unknown
	// new value: <nil>
	// made up: keys: invalid key: malformed true
}

// A key prints as its hint, however it is printed.
func ExampleKey() {
	ctx := context.Background()
	ring := keys.NewRing(keys.NewMemoryStore())
	defer ring.Close(ctx)
	issued, _ := ring.IssueUser(ctx, "anna", keys.User{})
	fmt.Println(fmt.Sprintf("%v %s %#v", issued.Key, issued.Key, issued.Key) ==
		fmt.Sprintf("%[1]s %[1]s %[1]s", issued.Record.Hint))
	// Output: true
}
