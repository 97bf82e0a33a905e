// What the pages can do with scripts and do without otherwise: copying, filtering, and keeping a key from coming back.
// Nothing is stored, and nothing is sent anywhere.
"use strict";

// Reload asks for the page anew, and neither sends the form again that led to it nor says once more what was done.
const here = new URL(location.href);
here.searchParams.delete("done");
history.replaceState(null, "", here);

// A key is gone once its page is left, also from the pages that browsers keep for Back.
for (const once of document.querySelectorAll("[data-once]")) {
	addEventListener("pagehide", () => once.remove());
	addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
}

// A double click sends a form once.
for (const form of document.forms) {
	let sent = false;
	form.addEventListener("submit", (event) => {
		if (sent) event.preventDefault();
		sent = true;
		setTimeout(() => { sent = false; }, 3000); // somebody may have stopped it
	});
}

for (const button of document.querySelectorAll("button[data-copy]")) {
	button.hidden = false;
	const source = document.getElementById(button.dataset.copy);
	const word = button.firstChild;
	const told = document.querySelector("[data-copied]");
	button.addEventListener("click", async () => {
		let done = true;
		try {
			await navigator.clipboard.writeText(source.textContent);
		} catch { // no permission, or a page that is not served over TLS: select it at least
			getSelection().selectAllChildren(source);
			done = document.execCommand("copy");
		}
		word.textContent = done ? "Copied" : "Selected";
		told.textContent = done ? "Copied to the clipboard." : "Selected: copy it with your keyboard.";
		setTimeout(() => { word.textContent = "Copy"; told.textContent = ""; }, 4000);
	});
}

for (const box of document.querySelectorAll("[data-filter]")) {
	box.hidden = false;
	const input = box.querySelector("input");
	const list = document.getElementById(box.dataset.filter);
	const told = document.querySelector("[data-filtered]");
	const none = document.querySelector("[data-filtered-none]");
	const filter = () => {
		const words = input.value.toLowerCase().split(/\s+/);
		let shown = 0;
		for (const group of list.querySelectorAll("[data-group]")) {
			let any = false;
			for (const row of group.querySelectorAll("[data-text]")) {
				const text = (row.dataset.text + " " + group.querySelector("h3").textContent).toLowerCase();
				row.hidden = !words.every((word) => text.includes(word));
				any ||= !row.hidden;
				shown += row.hidden ? 0 : 1;
			}
			group.hidden = !any;
		}
		none.hidden = shown > 0;
		told.textContent = input.value ? shown + (shown === 1 ? " permission" : " permissions") + " shown" : "";
	};
	input.addEventListener("input", filter);
	input.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); }); // would save
}

if (location.hash === "#why") document.getElementById("why")?.focus();
