package roles

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Admin is the appid of the built-in role that allows every well-formed permission. It is not a stored role:
// [Compile] refuses a role of this name, written in any case, and roles that inherit from it.
const Admin = "admin"

// Grants maps a permission or a pattern to true (allowed) or false (denied). What is not in it is not allowed.
//
// In JSON it is the object that Cockpit keeps in a role; see [Grants.UnmarshalJSON].
type Grants map[string]bool

// A Role is what is stored of a role. In JSON it is Cockpit's role document with the addition of "inherits".
type Role struct {
	AppID       string   `json:"appid"`              // identifies the role; see [ValidAppID]
	Name        string   `json:"name"`               // for people: one line of at most 256 bytes
	Info        string   `json:"info"`               // for people: a text of at most 4096 bytes
	Permissions Grants   `json:"permissions"`        // the role's own grants
	Inherits    []string `json:"inherits,omitempty"` // appids of roles whose grants count for this one too
}

// clone copies r so that neither copy can change the other.
func (r Role) clone() Role {
	r.Permissions = maps.Clone(r.Permissions)
	r.Inherits = slices.Clone(r.Inherits)
	return r
}

// UnmarshalJSON reads an object whose values are all true or false. An empty list counts as an empty object,
// since that is what Cockpit writes for a role without permissions, and so does null. Any other value is an
// error that names the grant, and so is a grant that is written twice: it cannot be told which one is meant.
// Whether a grant is well formed is [Compile]'s to say.
func (g *Grants) UnmarshalJSON(data []byte) error {
	data = bytes.TrimSpace(data)
	grants := Grants{}
	if list := []json.RawMessage(nil); len(data) > 0 && data[0] == '[' {
		if err := json.Unmarshal(data, &list); err != nil {
			return fmt.Errorf("roles: permissions: %w", err)
		}
		if len(list) > 0 {
			return errors.New("roles: permissions are a list with members; an object of true and false is needed")
		}
		*g = grants
		return nil
	}
	err := eachMember(data, func(name string, value json.RawMessage) error {
		switch string(value) {
		case "true":
			grants[name] = true
		case "false":
			grants[name] = false
		default:
			return fmt.Errorf("roles: grant %s is neither true nor false", quote(name))
		}
		return nil
	})
	if err == nil {
		*g = grants
	}
	return err
}

// MarshalJSON writes an object, also for nil.
func (g Grants) MarshalJSON() ([]byte, error) {
	if g == nil {
		return []byte("{}"), nil
	}
	return json.Marshal(map[string]bool(g))
}

// UnmarshalJSON reads a role document. Names of members are compared exactly, and one that is written twice
// is an error; members that a Role does not have are passed over, as Cockpit's documents carry several.
func (r *Role) UnmarshalJSON(data []byte) error {
	var role Role
	err := eachMember(data, func(name string, value json.RawMessage) error {
		var into any
		switch name {
		case "appid":
			into = &role.AppID
		case "name":
			into = &role.Name
		case "info":
			into = &role.Info
		case "permissions":
			return role.Permissions.UnmarshalJSON(value)
		case "inherits":
			into = &role.Inherits
		default:
			return nil
		}
		if err := json.Unmarshal(value, into); err != nil {
			return fmt.Errorf("roles: member %s: %w", quote(name), err)
		}
		return nil
	})
	if err == nil {
		*r = role
	}
	return err
}

// eachMember calls f for the members of a JSON object in order. It refuses anything else but null, which has
// none, and objects that name a member twice.
func eachMember(data []byte, f func(name string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(data))
	start, err := d.Token()
	if err != nil {
		return fmt.Errorf("roles: %w", err)
	}
	if start == nil {
		return nil
	}
	if start != json.Delim('{') {
		return errors.New("roles: not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return fmt.Errorf("roles: %w", err)
		}
		name := token.(string) // the decoder lets nothing else stand here
		if seen[name] {
			return fmt.Errorf("roles: %s is written twice", quote(name))
		}
		seen[name] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return fmt.Errorf("roles: member %s: %w", quote(name), err)
		}
		if err := f(name, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return fmt.Errorf("roles: %w", err)
	}
	return nil
}
