import type { ConfigurationRemark } from '../context.ts';

/** `[section] option`; of a fault that belongs to a section or to the file as a whole, what there is of it. */
export function remarkName({ section, option }: ConfigurationRemark): string {
  return [section === '' ? '' : `[${section}]`, option].filter((part) => part !== '').join(' ');
}

/** What, where and why, on one line. */
export function placedRemark(remark: ConfigurationRemark): string {
  const name = remarkName(remark);
  return `${name === '' ? remark.where : `${name} (${remark.where})`}: ${remark.message}`;
}
