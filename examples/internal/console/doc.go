// Package console has nothing to import. Its tests drive the pages of package auth/admin/console in a real browser,
// headless Chromium, over a small host with stores in memory: the documented flows from start to end, also with the
// keyboard alone and without scripts; axe-core on every page and state; and pictures of them for people to look at.
//
//	LATCHKEY_LONG  1: each page is looked at in light and dark, both wide and as narrow as a phone, and zoomed in; by
//	               default light and wide, dark and narrow, and narrower still
//
// Package chromium says what they need, and where pictures go.
package console
