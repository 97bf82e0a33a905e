package main

import (
	"fmt"
	"io"
)

// explain prints the address, then the new keys and the new password, which are shown only here.
func explain(out io.Writer, url, database string, issued []made, login, password string) {
	fmt.Fprintln(out, "listening on", url)
	for _, key := range issued {
		fmt.Fprintln(out, key.about)
	}
	if login != "" {
		fmt.Fprintf(out, "user %s, password %s\n", login, password)
	}
	fmt.Fprintln(out, "database", database)
	fmt.Fprintf(out, "\nTry it:\n  %[1]s/ in a browser, to sign in\n  curl -i %[1]s/api/pages/menus\n", url)
	if len(issued) < 2 {
		key := "ONE-OF-YOUR-KEYS"
		if len(issued) == 1 {
			key = issued[0].Key.Reveal()
		}
		fmt.Fprintf(out, "  curl -i %s/api/content/items/MODEL -H 'api-key: %s'\n", url, key)
		return
	}
	fmt.Fprintf(out, `  curl -i %[1]s/api/content/items/posts
  curl -i %[1]s/api/content/items/posts -H 'api-key: %[3]s'
  curl -i %[1]s/api/content/item/posts -d '{"data":{"title":"New"}}' -H 'api-key: %[3]s'
  curl -i %[1]s/api/content/item/posts -d '{"data":{"title":"New"}}' -H 'api-key: %[2]s'
  curl -ig '%[1]s/api/content/items/posts?filter[title]=New' -H 'Authorization: Bearer %[2]s'
  curl -i %[1]s/api/pages/menus -H 'api-key: wrong'
`, url, issued[0].Key.Reveal(), issued[1].Key.Reveal())
}
