// A passkey, made in the settings, lets further browsers in; in Chromium's virtual authenticator.
import { person, picture } from "../browser.mjs";
import { accessible, check, comes } from "../check.mjs";
import { go, newcomer, pin, settle } from "../wallet.mjs";

/** A machine that asks its owner, who is there; `known`: whether it recognizes them. */
async function authenticator(page, known = true) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", {
    options: { protocol: "ctap2", transport: "internal", hasResidentKey: true, hasUserVerification: true, isUserVerified: known, automaticPresenceSimulation: true },
  });
  return {
    credentials: async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    add: (credential) => session.send("WebAuthn.addCredential", { authenticatorId, credential }),
  };
}

export default async function story({ server, with: takes }) {
  // Browsers bind passkeys to a domain: an address of numbers has none.
  const home = { url: `http://localhost:${server.port}` };
  const fang = takes(await newcomer(home, "13911130001", "Fang Yu"));
  const { page } = fang;
  await settle(page, "Fang Yu", "11010519491231002X", "135790");
  const machine = await authenticator(page);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await pin(page, "135790");
  await comes("a passkey is made with the PIN", page.getByRole("button", { name: "Remove passkey" }).waitFor());
  const [credential] = await machine.credentials();
  check("it is the machine's to find, and of this domain", credential?.isResidentCredential && credential.rpId === "localhost", JSON.stringify(credential));
  await accessible(page, "settings with a passkey");
  await page.getByRole("heading", { name: "Passkeys" }).scrollIntoViewIfNeeded();
  await picture(page, "wallet-passkeys");

  const laptop = takes(await person(home.url));
  await laptop.page.goto("/wallet/");
  await (await authenticator(laptop.page)).add(credential);
  await accessible(laptop.page, "welcome with a passkey");
  await picture(laptop.page, "wallet-welcome");
  await laptop.page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await comes("another browser is in, without phone, code or PIN", laptop.page.getByTestId("balance").waitFor());
  await laptop.page.reload();
  await comes("and stays in by a key of its own", laptop.page.getByTestId("balance").waitFor());
  const { me } = await laptop.page.evaluate(async () => (await fetch("/app/wallet/boot")).json());
  check("its device may spend at once", me.phone_masked === "139****0001" && me.device.trusted_from === undefined, JSON.stringify(me.device));

  const stranger = takes(await person(home.url));
  await stranger.page.goto("/wallet/");
  await (await authenticator(stranger.page, false)).add(credential);
  await stranger.page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await comes("whom the machine does not recognize stays out", stranger.page.getByText("No passkey was used.").waitFor());

  await go(page, "/settings");
  await page.reload();
  await page.getByRole("button", { name: "Remove passkey" }).click();
  await comes("it is removed", page.getByRole("button", { name: "Remove passkey" }).waitFor({ state: "detached" }));
  const late = takes(await person(home.url));
  await late.page.goto("/wallet/");
  await (await authenticator(late.page)).add(credential);
  await late.page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await comes("a passkey that was removed opens nothing", late.page.getByText(/not known here/).waitFor());
  await laptop.page.reload();
  await comes("whom it let in before stays", laptop.page.getByTestId("balance").waitFor());
}
