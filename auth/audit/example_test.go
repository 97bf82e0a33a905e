package audit_test

import (
	"context"
	"fmt"
	"log"

	"github.com/latchkey-go/latchkey/auth/audit"
)

func Example() {
	ctx := context.Background()
	changes := audit.NewMemoryLog(0)
	for _, name := range []string{"Website", "Website build"} {
		record, err := audit.Stamp(audit.Record{
			Actor: "user:ada", Action: "key.update", Object: "0198c0de", After: map[string]any{"name": name},
		})
		if err != nil {
			log.Fatal(err)
		}
		if err := changes.Append(ctx, record); err != nil {
			log.Fatal(err)
		}
	}
	latest, err := changes.List(ctx, audit.Filter{Object: "0198c0de"})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range latest {
		fmt.Println(r.Actor, r.Action, r.After["name"])
	}
	// Output:
	// user:ada key.update Website build
	// user:ada key.update Website
}
