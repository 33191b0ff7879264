/** Passkeys: the machine itself asks for a finger, a face or its own PIN, and then lets this browser in. */

import type { NewPasskey, PasskeyChallenge, PasskeyOptions, PasskeySigned } from "../shared/api";
import { label } from "./device";

const bytes = (text: string) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const text = (given: ArrayBuffer) => btoa(String.fromCharCode(...new Uint8Array(given))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

/** Whether this browser has them, and tells enough of a new one. */
export const hasPasskeys = () => typeof AuthenticatorAttestationResponse !== "undefined" && "getAuthenticatorData" in AuthenticatorAttestationResponse.prototype;

/** Makes one. `name` is what the machine shows its owner. Fails when the person does not want it. */
export async function makePasskey(options: PasskeyOptions, name: string): Promise<NewPasskey> {
  const made = (await navigator.credentials.create({
    publicKey: {
      challenge: bytes(options.challenge),
      rp: { id: options.rp_id, name: "飞钱 Feiqian" },
      user: { id: bytes(options.user_handle), name, displayName: name },
      pubKeyCredParams: [{ type: "public-key", alg: -7 }],
      authenticatorSelection: { residentKey: "required", userVerification: "required" },
      excludeCredentials: options.exclude.map((id) => ({ type: "public-key", id: bytes(id) })),
      attestation: "none",
    },
  })) as PublicKeyCredential;
  const answer = made.response as AuthenticatorAttestationResponse;
  return { label: label(), client_data: text(answer.clientDataJSON), authenticator_data: text(answer.getAuthenticatorData()) };
}

/** Signs in with one that the person chooses. */
export async function signWithPasskey({ challenge, rp_id }: PasskeyChallenge): Promise<PasskeySigned> {
  const given = (await navigator.credentials.get({
    publicKey: { challenge: bytes(challenge), rpId: rp_id, userVerification: "required" },
  })) as PublicKeyCredential;
  const answer = given.response as AuthenticatorAssertionResponse;
  return {
    credential_id: text(given.rawId),
    user_handle: text(answer.userHandle ?? new ArrayBuffer(0)),
    client_data: text(answer.clientDataJSON),
    authenticator_data: text(answer.authenticatorData),
    signature: text(answer.signature),
  };
}
