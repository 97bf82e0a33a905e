// Package console has nothing to import. Its tests drive the pages of package auth/admin/console in a real browser,
// headless Chromium, over a small host with stores in memory: the documented flows from start to end, also with the
// keyboard alone and without scripts; axe-core on every page and state; and pictures of them for people to look at.
//
//	CHROMIUM       the browser; by default chromium in PATH (Debian: apt-get install chromium)
//	AXE_CORE       axe.min.js of npm's axe-core
//	SCREENSHOTS    the folder that pictures are written to; by default there are none
//	LATCHKEY_LONG  1: each page is looked at in light and dark, both wide and as narrow as a phone, and zoomed in; by
//	               default light and wide, dark and narrow, and narrower still
//
// Without the browser or axe-core the tests that need it skip, and fail if CI is set.
package console
