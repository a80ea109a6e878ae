// Signed URLs and cookies of AWS's own SDK: sign.mjs < JSON [{url, key, id, ...}] > JSON [URL or cookies].
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer';
import { readFileSync } from 'node:fs';

const pem = (name) => readFileSync(new URL(`${name}.pem`, import.meta.url), 'utf8');

const made = [];
for (const { url, policy, key, id, hash, until, from, ip, cookies } of JSON.parse(readFileSync(0, 'utf8'))) {
  const asked = { keyPairId: id, privateKey: pem(key) };
  if (hash) asked.algorithm = hash;
  if (policy) Object.assign(asked, cookies ? { policy } : { policy, url });
  else Object.assign(asked, { url, dateLessThan: new Date(until * 1000) });
  if (!policy && from) asked.dateGreaterThan = new Date(from * 1000);
  if (!policy && ip) asked.ipAddress = ip;
  made.push(cookies ? getSignedCookies(asked) : getSignedUrl(asked));
}
process.stdout.write(JSON.stringify(made));
