// Keeps the wallet's shell: the page and its scripts, so that the pay code is there without the network.
// What people ask (/app/…) is never kept.
const SHELL = "feiqian-shell-1";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((shell) => shell.add("/wallet/")).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

async function keep(request, answer) {
  if (answer.ok) await (await caches.open(SHELL)).put(request, answer.clone());
  return answer;
}

/** Whatever a server says that they vary by (as Origin, Accept-Encoding), files of the same name are the same. */
const SAME = { ignoreVary: true };

/** Of files whose name is their content the kept one; of the page the newest that can be had. */
async function answer(request) {
  const url = new URL(request.url);
  if (url.pathname.startsWith("/assets/")) return (await caches.match(request, SAME)) ?? keep(request, await fetch(request));
  return fetch(request).then((fresh) => keep("/wallet/", fresh), async () => (await caches.match("/wallet/", SAME)) ?? Response.error());
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const ours = url.origin === self.location.origin && event.request.method === "GET";
  if (ours && (url.pathname.startsWith("/assets/") || event.request.mode === "navigate")) event.respondWith(answer(event.request));
});

/** Files that the page had loaded before. */
async function keepAll(urls) {
  const shell = await caches.open(SHELL);
  for (const url of urls) if (!(await shell.match(url, SAME))) await shell.add(url);
}

self.addEventListener("message", (event) => {
  if (Array.isArray(event.data?.keep)) event.waitUntil(keepAll(event.data.keep));
});
