package cockpit_test

import (
	"context"
	"fmt"
	"log"
	"strings"

	"github.com/latchkey-go/latchkey/auth/audit"
	"github.com/latchkey-go/latchkey/auth/cockpit"
	"github.com/latchkey-go/latchkey/keys"
	"github.com/latchkey-go/latchkey/publicapi"
	"github.com/latchkey-go/latchkey/roles"
)

// A Cockpit is looked at, and brought over twice. With ReadSQL the source is the file that Cockpit writes.
func Example() {
	ctx := context.Background()
	source, err := cockpit.ReadJSON(strings.NewReader(`{
		"roles": [{"appid": "reader", "name": "Reader", "permissions": {"content/posts/read": true, "content/posts/delete": 1}}],
		"users": [{"_id": "6b04", "user": "ada", "active": true, "role": "reader", "apiKey": "USR-19e796d4aa76be38ccad4e062d85bb6ea61b4e79"}],
		"api_keys": [
			{"_id": "6b05", "name": "Website", "role": "reader", "key": "API-7d6e61ba39d3670bf4888c726c1e628540a4baec"},
			{"_id": "6b06", "name": "Old one", "role": "vanished", "key": "API-3089eae13764fee8171dd1f9290a02df5427b0c2"},
			{"_id": "6b07", "name": "Oldest", "role": "reader", "key": "letmein"}
		]
	}`))
	if err != nil {
		log.Fatal(err)
	}
	ring, err := keys.Open(keys.Config{Store: keys.NewMemoryStore(), ImportedKeys: true})
	if err != nil {
		log.Fatal(err)
	}
	defer ring.Close(ctx)
	into := cockpit.Into{
		Keys: ring, Roles: roles.NewMemoryStore(), Public: publicapi.NewMemoryStore(), Audit: audit.NewMemoryLog(0),
	}
	plan, err := cockpit.Plan(ctx, source, into)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(plan)
	for range 2 {
		report, err := cockpit.Import(ctx, source, into)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("imported", report.Count(cockpit.AboutKey, cockpit.VerdictNew), "keys")
	}
	_, err = ring.Verify(ctx, "USR-19e796d4aa76be38ccad4e062d85bb6ea61b4e79")
	fmt.Println("ada's key:", err)
	// Output:
	// role:   1 new
	// key:    3 new, 1 refused
	// public: 1 unchanged
	// new role reader "Reader": left out "content/posts/delete": its value is not true
	// new key 6b04 "ada"
	// new key 6b05 "Website"
	// new key 6b06 "Old one": there is no role "vanished": it comes without a role
	// refused key 6b07 "Oldest": the key has, or may have, less than 112 bits of randomness
	// unchanged public: closed
	// imported 3 keys
	// imported 0 keys
	// ada's key: <nil>
}
