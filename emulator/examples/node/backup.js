// Keep a text in object storage, and read it back.
import { createHmac } from 'node:crypto';

const HOST = 'oss-eu-central-1.aliyuncs.com';

export async function call(method, bucket, key = '', body = undefined) {
  const date = new Date().toUTCString();
  const type = 'text/plain';
  const text = `${method}\n\n${type}\n${date}\n/${bucket}/${key}`;
  const signature = createHmac('sha1', process.env.OSS_ACCESS_KEY_SECRET).update(text).digest('base64');
  const answer = await fetch(`https://${bucket}.${HOST}/${key}`, {
    method,
    body,
    headers: {
      'Content-Type': type,
      // fetch sends no Date of its own choosing; x-oss-date would have to be signed.
      Date: date,
      Authorization: `OSS ${process.env.OSS_ACCESS_KEY_ID}:${signature}`,
    },
  });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
  return answer.text();
}

export async function backup(bucket, key, text) {
  await call('PUT', bucket);
  await call('PUT', bucket, key, text);
  return call('GET', bucket, key);
}
