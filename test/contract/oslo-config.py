"""Reads the cases of oslo-config.test.ts with the real oslo.config: JSON on standard input, JSON on standard output."""
import json
import os
import sys
import tempfile

from oslo_config import cfg
from oslo_config import types

TYPES = {
    'string': lambda **k: cfg.StrOpt('x', **k),
    'choice': lambda **k: cfg.StrOpt('x', choices=['one', 'two'], **k),
    'boolean': lambda **k: cfg.BoolOpt('x', **k),
    'integer': lambda **k: cfg.IntOpt('x', min=-5, max=100, **k),
    'number': lambda **k: cfg.FloatOpt('x', **k),
    'port': lambda **k: cfg.PortOpt('x', **k),
    'IP address': lambda **k: cfg.IPOpt('x', **k),
    'list': lambda **k: cfg.ListOpt('x', **k),
    'items': lambda **k: cfg.ListOpt('x', item_type=types.String(regex='^[a-z](,[a-z])?$'), **k),
    'dictionary': lambda **k: cfg.DictOpt('x', **k),
}


def make_option(spec):
    deprecated = [cfg.DeprecatedOpt(name, group=group) for group, name in spec['deprecatedNames']]
    option = TYPES[spec['type']](default=spec['default'], deprecated_opts=deprecated)
    option.name = option.dest = spec['name']
    return option


def read(case, specs, folder):
    arguments = []
    for index, text in enumerate(case['files']):
        path = os.path.join(folder, '%d.conf' % index)
        with open(path, 'w', encoding='utf-8', newline='') as stream:
            stream.write(text)
        arguments += ['--config-file', path]
    for name in [name for name in os.environ if name.startswith('OS_')]:
        del os.environ[name]
    os.environ.update(case['environment'])
    conf = cfg.ConfigOpts()
    for spec in specs:
        group = None if spec['section'] == 'DEFAULT' else spec['section']
        conf.register_opt(make_option(spec), group=group)
    try:
        conf(arguments, project='kiln-differential', default_config_dirs=[])
    except cfg.ConfigFileParseError:
        return 'unreadable'
    values = {}
    for spec in specs:
        section = conf if spec['section'] == 'DEFAULT' else conf[spec['section']]
        try:
            value = {'value': section[spec['name']]}
        except (cfg.Error, ValueError, RecursionError):
            value = 'fault'
        values['%s.%s' % (spec['section'], spec['name'])] = value
    return values


def main():
    import logging
    logging.disable(logging.CRITICAL)
    task = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        json.dump([read(case, task['options'], folder) for case in task['cases']], sys.stdout)


main()
