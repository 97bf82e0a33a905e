package auth

import "context"

// Anonymous says which role callers get who show nothing. Package publicapi has two: a fixed role and a live
// setting.
type Anonymous interface {
	// PublicRole returns the appid of the public role, or "" while the public API is closed. An error is a
	// store in trouble: the caller gets 503, never 401 and never the role. The super role, or one that the
	// policy does not have, closes the public API. It may be called concurrently.
	PublicRole(ctx context.Context) (appid string, err error)
}
