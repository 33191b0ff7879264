/** The shell is kept, so that the pay code is there without the network: at the first visit already. */

export async function keepShell(): Promise<void> {
  if (!("serviceWorker" in navigator) || !import.meta.env.PROD) return;
  await navigator.serviceWorker.register("/wallet/worker.js", { scope: "/wallet/" });
  const { active } = await navigator.serviceWorker.ready;
  await import("./PayCode");
  // What this page loaded before the worker was there to see it.
  const loaded = performance.getEntriesByType("resource").map(({ name }) => name);
  active?.postMessage({ keep: loaded.filter((url) => url.startsWith(`${window.location.origin}/assets/`)) });
}
