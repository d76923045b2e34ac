use serde_json::json;

use super::super::input::MessageInput;
use super::*;

fn draft(changes: &Value) -> Draft {
    let mut body = json!({
        "from": {"email": "noreply@a.example"}, "recipients": [{"email": "one@b.example"}], "subject": "Hi", "text_content": "Hello",
    });
    for (field, value) in changes.as_object().expect("an object") {
        body[field] = value.clone();
    }
    let input: MessageInput = serde_json::from_value(body).expect("the shape is right");
    Draft::from_message(input, chrono::DateTime::from_timestamp_nanos(0)).expect("valid")
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).expect("an object")
}

fn never() -> Halt {
    Arc::new(|| false)
}

fn compile(draft: &Draft) -> Templates<'_> {
    Templates::compile(draft, &never()).expect("compiles")
}

/// On a stack as deep as that of the threads that render.
fn tried(template: &str, recipient: Value) -> Result<String, Failed> {
    let draft = draft(&json!({"text_content": template, "substitutions": {"name": "all", "shop": "S"}}));
    let work = move || {
        let templates = Templates::compile(&draft, &never()).map_err(Failed::Values)?;
        let rendered = templates.render(&map(recipient))?;
        Ok(rendered.text.expect("a text").into_owned())
    };
    let thread = std::thread::Builder::new().stack_size(64 * 1024 * 1024).spawn(work).expect("a thread");
    thread.join().expect("no panic")
}

fn text(template: &str, recipient: Value) -> Result<String, Refusal> {
    tried(template, recipient).map_err(|failed| match failed {
        Failed::Values(refusal) | Failed::Work(refusal) => refusal,
    })
}

#[test]
fn the_recipients_values_come_before_the_requests() {
    assert_eq!(text("{{ name }} {{ shop }}", json!({"name": "Ann"})), Ok("Ann S".to_owned()));
    assert_eq!(text("{{ name }} {{ shop }}", json!({})), Ok("all S".to_owned()));
}

#[test]
fn a_name_that_is_not_given_prints_as_nothing() {
    assert_eq!(text("Hi {{ missing }}!", json!({})), Ok("Hi !".to_owned()));
    assert!(text("Hi {{ missing.deeper }}!", json!({})).is_err());
}

#[test]
fn conditions_loops_and_filters_work() {
    let template = "{% for item in items %}{{ item.n|upper }}{% if not loop.last %}, {% endif %}{% endfor %}";
    assert_eq!(text(template, json!({"items": [{"n": "a"}, {"n": "b"}]})), Ok("A, B".to_owned()));
}

#[test]
fn values_are_escaped_in_html_and_amp_only() {
    let draft = draft(&json!({
        "subject": "{{ v }}", "text_content": "{{ v }}", "html_content": "<b>{{ v }}</b>", "amp_content": "<i>{{ v }}</i>",
    }));
    let rendered = compile(&draft).render(&map(json!({"v": "<&>"}))).expect("renders");
    assert_eq!((rendered.subject.as_ref(), rendered.text.as_deref()), ("<&>", Some("<&>")));
    assert_eq!(rendered.html.as_deref(), Some("<b>&lt;&amp;&gt;</b>"));
    assert_eq!(rendered.amp.as_deref(), Some("<i>&lt;&amp;&gt;</i>"));
}

#[test]
fn content_without_marks_is_left_alone() {
    let draft = draft(&json!({"text_content": "100 % {of} it } }"}));
    let templates = compile(&draft);
    assert!(!templates.varies());
    assert!(matches!(templates.render(&Map::new()).expect("renders").text, Some(Cow::Borrowed(_))));
}

#[test]
fn a_value_cannot_break_the_subject_line() {
    let draft = draft(&json!({"subject": "Hi {{ n }}"}));
    let rendered = compile(&draft).render(&map(json!({"n": "x\r\nBcc: y@b.example"})));
    assert_eq!(rendered.expect("renders").subject, "Hi x  Bcc: y@b.example");
}

#[test]
fn a_wrong_template_is_refused_with_field_and_line() {
    let refusal = text("fine\n{% if %}", json!({})).expect_err("refused");
    assert!(refusal.message().starts_with("text_content: The template is wrong on line 2"), "{refusal}");
}

#[test]
fn a_template_can_neither_load_others_nor_run_away() {
    let doubling = format!("{{% set x = 'xxxxxxxxxxxxxxxx' %}}{}{{{{ x }}}}", "{% set x = x ~ x %}".repeat(40));
    let looping = "{% for a in range(1000) %}{% for b in range(1000) %}{% for c in range(1000) %}x{% endfor %}{% endfor %}{% endfor %}";
    let repeating = "{{ 'x' * 99999999 }}";
    let recursing = "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}";
    let joining = "{{ range(9000)|join('x' * 9000) }}";
    let padding = "{{ '%099999999d'|format(1) }}{{ 'x'|indent(99999999, true) }}";
    for template in [
        &doubling,
        looping,
        repeating,
        recursing,
        joining,
        padding,
        "{% include 'subject' %}{% include '/etc/passwd' %}",
    ] {
        assert!(text(template, json!({})).is_err(), "{template:.60}");
    }
}

#[test]
fn what_only_reads_is_paid_for_like_what_makes() {
    let doubled =
        "{% set a = [1] %}{% set b = [1] %}".to_owned() + &"{% set a = [a, a] %}{% set b = [b, b] %}".repeat(40);
    let list = "{% set l = range(100000) %}";
    for costly in [
        "{% for i in range(20000) %}{{ ('é'*600000)[i:i+1] }}{% endfor %}".to_owned(),
        "{% for i in range(20000) %}{{ ('é'*500000)[i:i+1] }}{% endfor %}".to_owned(),
        "{% set x = 'é'*500000 %}{% for i in range(20000) %}{{ x[i:i+1] }}{% endfor %}".to_owned(),
        "{% set x = 'é'*500000 %}{% for i in range(20000) %}{{ x[i] }}{% endfor %}".to_owned(),
        "{% set x = 'e'*600000 %}{% set y = x ~ '' %}{% for i in range(20000) %}{{ x == y }}{% endfor %}".to_owned(),
        "{% set x = 'e'*600000 %}{% set y = x ~ '' %}{% for i in range(20000) %}{{ x is eq y }}{% endfor %}".to_owned(),
        "{% set x = 'e'*600000 %}{% set y = x ~ '' %}{% for i in range(20000) %}{% if loop.changed(x ~ '') %}{% endif %}{% endfor %}".to_owned(),
        "{% set x = 'e'*600000 %}{% for i in range(20000) %}{{ 'a'|replace(x, 'b') }}{% endfor %}".to_owned(),
        "{% set x = 'e'*600000 %}{% for i in range(20000) %}{{ {x: 1}[x ~ ''] }}{% endfor %}".to_owned(),
        format!("{doubled}{{{{ a == b }}}}"),
        format!("{doubled}{{{{ a }}}}"),
        format!("{doubled}{{{{ a ~ '' }}}}"),
        format!("{doubled}{{{{ a|tojson }}}}"),
        format!("{doubled}{{{{ a|pprint }}}}"),
        format!("{doubled}{{{{ a|string }}}}"),
        format!("{doubled}{{{{ a in [b] }}}}"),
        format!("{doubled}{{{{ [b]|select('eq', a)|list }}}}"),
        format!("{list}{{% for i in range(20000) %}}{{% for x in l[99999:] %}}x{{% endfor %}}{{% endfor %}}"),
        format!("{list}{{% set s = l[99999:] %}}{{% for i in range(20000) %}}{{% for x in s %}}x{{% endfor %}}{{% endfor %}}"),
        "{% set a = range(1000) %}".to_owned() + &"{% set a = a + a %}".repeat(30) + "{{ a|length }}",
        "{% set x = 'x'*9999 %}{{ '%(a)s'*90000 % 1 }}".to_owned(),
        "{% set f = '%(a)s'*90000 %}{{ f|format({'a': 'x'*9999}) }}".to_owned(),
    ] {
        let failed = tried(&costly, json!({})).expect_err(&costly);
        let Failed::Work(refusal) = &failed else {
            assert!(costly.contains(" % 1") || costly.contains("format("), "{costly:.200} {failed:?}");
            continue;
        };
        assert!(refusal.message().starts_with("text_content: The template does too much work on line 1"), "{refusal}");
    }
}

#[test]
fn what_has_no_end_is_refused_by_its_line() {
    for (endless, word) in [
        ("\n{{ [0]*99999999 }}", "multiplied"),
        ("\n{{ 1 in [0]*99999999 }}", "multiplied"),
        ("\n{{ [[1]]|sum(start=[]) }}", "begins with a number"),
        ("\n{{ [1]|tojson(indent=1000000000) }}", "indents by"),
        ("\n{% set ns = namespace() %}{% set ns.own = ns %}", "a namespace keeps"),
        ("\n{% set ns = namespace() %}{% set ns.own = [{'a': ns}] %}", "a namespace keeps"),
        ("\n{% set ns = namespace(x=1) %}{% for i in range(999) %}{% set ns.x = [ns.x] %}{% endfor %}", "deep"),
        ("\n{{ range(9)|map(attribute='a'*1001)|list }}", "a filter's argument"),
    ] {
        let refusal = text(endless, json!({})).expect_err(endless);
        assert!(refusal.message().contains("on line 2") && refusal.message().contains(word), "{endless} {refusal}");
    }
}

#[test]
fn whatever_is_nested_at_a_template_s_run_ends_within_the_stack() {
    let in_each_other = "{% set n = namespace(x=1) %}".to_owned() + &"{% set n = namespace(x=n) %}".repeat(3_000);
    let lists = "{% set a = [1] %}".to_owned() + &"{% set a = [a] %}".repeat(5_000);
    let maps = "{% set a = 1 %}".to_owned() + &"{% set a = {'a': a} %}".repeat(5_000);
    let chained = "{% set a = {} %}".to_owned() + &"{% set a = a|chain({'a': a}) %}".repeat(3_000);
    let reversed = "{% set a = [1] %}".to_owned() + &"{% set a = a|reverse %}".repeat(3_000);
    let elif = "{% elif y %}".repeat(99);
    let nested = format!("{{% if x %}}{elif}").repeat(50) + &"{% endif %}".repeat(50);
    let loops = "{% for x in [[1]] recursive %}{{ loop([x]) }}{% endfor %}";
    let blocks = "{% block a %}{{ self.a() }}{% endblock %}";
    let callers = "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}";
    for (template, right) in [
        (in_each_other.as_str(), false),
        (&lists, false),
        (&maps, false),
        (&chained, false),
        (&reversed, true),
        (&nested, true),
        (loops, false),
        (blocks, false),
        (callers, false),
    ] {
        assert_eq!(tried(template, json!({})).is_ok(), right, "{template:.80}");
    }
}

/// As the engine renders it without anything of ours.
fn plainly(template: &str, values: &Value) -> String {
    let mut values = values.clone();
    values["shop"] = json!("S");
    Environment::new().render_str(template, minijinja::Value::from(Serde(values))).expect("renders")
}

#[test]
fn ordinary_templates_are_as_the_engine_alone_renders_them() {
    let values = json!({"n": 3, "plan": "pro", "tags": ["b", "a", "c"], "user": {"name": "Ann", "mail": "a@b.example"},
        "rows": [{"k": "x", "v": 2}, {"k": "y", "v": 1}, {"k": "x", "v": 5}], "tree": [{"n": 1, "c": [{"n": 2}]}]});
    for template in [
        "{{ user.name[:1] }}{{ user['name'][-1] }}{{ user.name[::-1] }}{{ tags[0] }}{{ rows[-1].k }}",
        "{{ tags|sort|join(', ') }} {{ tags|first }} {{ tags[1:]|length }} {{ tags|reverse }} {{ tags|last|upper }}",
        "{% if plan == 'pro' and n > 2 %}yes{% elif n %}no{% endif %}{% if not n %}0{% else %}1{% endif %}",
        "{{ 'x' in tags }} {{ 'a' in tags }} {{ 1 < n <= 3 }} {{ 'z' not in plan }} {{ -n }} {{ n ** 2 // 2 % 3 }}",
        "{% for g in rows|groupby('k') %}{{ g.grouper }}={{ g.list|sum(attribute='v') }};{% endfor %}",
        "{% for k, v in user|items %}{{ k }}:{{ v }};{% endfor %}{{ user|dictsort }}",
        "{% set ns = namespace(t=0) %}{% for r in rows %}{% set ns.t = ns.t + r.v %}{% endfor %}{{ ns.t }}",
        "{% set ns = namespace() %}{% set ns.u = user %}{{ ns.u.name }}{% set a, b = 1, 2 %}{{ a }}{{ b }}",
        "{% macro hi(who, sign='!') %}Hi {{ who }}{{ sign }}{% endmacro %}{{ hi(user.name) }}{{ hi(user.name, sign='?') }}",
        "{% macro hi() %}<{{ caller(1) }}>{% endmacro %}{% call(x) hi() %}{{ x }}{% endcall %}",
        "{% filter upper %}{{ plan }}{% endfilter %}{% set t | upper %}a{{ plan }}{% endset %}{{ t }}",
        "{% for x in tags if x != 'a' %}{{ loop.index }}{{ x }}{% else %}-{% endfor %}{% for x in [] %}{% else %}-{% endfor %}",
        "{% for x in range(3) %}{{ loop.cycle('o', 'e') }}{{ loop.changed(x) }}{% endfor %}{{ range(3)|list }}",
        "{{ missing is defined }}{{ missing|default('none') }}{{ missing if missing else 'no' }}{{ n is odd }}",
        "{{ '%s is %05.1f'|format(plan, 2) }} {{ 'ab' * 3 }} {{ [1] + [2] }} {{ n ~ plan }} {{ n|string }} {{ 1.5|round }}",
        "{{ rows|map(attribute='k')|unique|list }} {{ rows|selectattr('v', 'gt', 1)|list|length }} {{ tags|map('upper')|list }}",
        "{{ {'a': 1}|tojson }} {{ [1, 2]|chain([3])|list }} {{ [1, 2]|zip(['a', 'b'])|list }} {{ [1, 2, 3]|batch(2)|list }}",
        "{% with a = n * 2, b = 1 %}{{ a - b }}{% endwith %}{% do namespace() %}{{ (1, 2) }} {{ dict(a=1) }}",
        "{% for i in tree recursive %}{{ i.n }}{% if i.c %}({{ loop(i.c) }}){% endif %}{% endfor %}",
        "{% block a %}{{ plan }}{% endblock %}{{ self.a() }}{% autoescape true %}{{ '<' }}{% endautoescape %}{{ '<'|e }}",
        "{% set args = [1, 2] %}{% macro m(a, b) %}{{ a }}{{ b }}{% endmacro %}{{ m(*args) }}{{ m(**{'a': 3, 'b': 4}) }}",
        "{# nothing #}{% raw %}{{ n }}{% endraw %}{{ rows|min(attribute='v') }}{{ [3, 1]|max }}{{ ' a '|trim|title }}",
    ] {
        assert_eq!(text(template, values.clone()), Ok(plainly(template, &values)), "{template}");
    }
}

#[test]
fn a_request_that_is_halted_names_the_field_that_was_worked_on() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let draft = draft(&json!({"subject": "{{ a }}", "text_content": "{% for i in range(9000) %}{{ i }}{% endfor %}"}));
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let halt: Halt = Arc::new(move || count.fetch_add(1, Ordering::Relaxed) > 100);
    let templates = Templates::compile(&draft, &halt).expect("compiles");
    let Err(Failed::Work(refusal)) = templates.render(&Map::new()) else { panic!("it goes on") };
    assert!(refusal.message().starts_with("text_content: The templates do too much work for all"), "{refusal}");
    assert!(asked.load(Ordering::Relaxed) < 200, "it ended where it was told to");
}
