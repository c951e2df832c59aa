/** Times as people and programs read them, in the zone of this process. */
const two = (value: number): string => `${value}`.padStart(2, '0');

const offsetOf = (date: Date): string => {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
};

/** ISO 8601 with offset: `2026-11-21T03:12:00.000+01:00`. @param time milliseconds since 1970 UTC */
export const isoTime = (time: number): string => {
  const date = new Date(time);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${`${date.getMilliseconds()}`.padStart(3, '0')}`;
  return `${day}T${clock}${offsetOf(date)}`;
};

/** `2026-11-21 03:12:00` */
export const localTime = (time: number): string => isoTime(time).slice(0, 19).replace('T', ' ');

const units: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
];

/** `3 d 4 h`, `12 min`, `8 s`: the two largest units. */
export const durationWords = (ms: number): string => {
  let seconds = Math.round(ms / 1000);
  const parts: string[] = [];
  for (const [name, size] of units) {
    const count = Math.floor(seconds / size);
    seconds -= count * size;
    if (count > 0 && parts.length < 2) parts.push(`${count} ${name}`);
  }
  return parts.length === 0 ? `${seconds} s` : parts.join(' ');
};
