// SPDX-License-Identifier: Apache-2.0
// node jose.mjs KEY.pem AUDIENCE TOKEN JWS: jose accepts the token, and not when one bit
// differs; it accepts the plain JWS too, but not as a token.
import { readFileSync } from "node:fs";
import { compactVerify, importSPKI, jwtVerify } from "jose";

const [keyPath, audience, token, plain] = process.argv.slice(2);
const key = await importSPKI(readFileSync(keyPath, "ascii"), "RS256");
const { payload } = await jwtVerify(token, key, {
	algorithms: ["RS256"], audience, typ: "JWT", maxTokenAge: 30,
});
if (payload.iss !== payload.sub) throw new Error("iss is not sub");
console.log("verified");

const [head, claims, signature] = token.split(".");
const other = (signature[0] === "A" ? "B" : "A") + signature.slice(1);
try {
	await jwtVerify([head, claims, other].join("."), key, { audience });
} catch (error) {
	if (error.code === "ERR_JWS_SIGNATURE_VERIFICATION_FAILED")
		console.log("refused when changed");
}

const { payload: bytes, protectedHeader } = await compactVerify(plain, key);
console.log(`verified ${protectedHeader.typ}: ${new TextDecoder().decode(bytes)}`);
try {
	await jwtVerify(plain, key, { typ: "JWT" });
} catch (error) {
	if (error.code === "ERR_JWT_CLAIM_VALIDATION_FAILED" && error.claim === "typ")
		console.log("refused as a token");
}
