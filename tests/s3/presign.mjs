// Presigned URLs of AWS's own SDK: presign.mjs ENDPOINT < JSON [{key, method, type}] > JSON [url].
import { GetObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { readFileSync } from 'node:fs';

const client = new S3Client({
  endpoint: process.argv[2],
  region: 'eu-central-1',
  forcePathStyle: true,
  credentials: { accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
});
const sessions = new S3Client({
  endpoint: process.argv[2],
  region: 'us-east-1',
  forcePathStyle: true,
  credentials: {
    accessKeyId: 'AKIAEXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    sessionToken: 'token/of+a=session',
  },
});

const urls = [];
for (const { key, method, type, session } of JSON.parse(readFileSync(0, 'utf8'))) {
  const Command = method === 'HEAD' ? HeadObjectCommand : GetObjectCommand;
  const input = { Bucket: 'audio', Key: key };
  if (type) {
    input.ResponseContentType = type;
    input.ResponseContentDisposition = `attachment; filename="${encodeURIComponent(key)}"`;
  }
  urls.push(await getSignedUrl(session ? sessions : client, new Command(input), { expiresIn: 600 }));
}
process.stdout.write(JSON.stringify(urls));
