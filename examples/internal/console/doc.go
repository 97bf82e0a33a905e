// Package console has only tests. They drive the pages of package auth/admin/console in headless Chromium, over a
// small host with stores in memory: the documented flows from start to end, also with the keyboard alone and without
// scripts; axe-core on every page and state; and screenshots.
//
//	LATCHKEY_LONG  1: each page is looked at in light and dark, both wide and as narrow as a phone, and zoomed in; by
//	               default light and wide, dark and narrow, and narrower still
//
// Package chromium documents the requirements and the folder of screenshots.
package console
