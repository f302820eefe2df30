"""Random programs of the grammar, and random tokens; and whether a text is a program."""

from hypothesis import strategies as st

from gradcli.errors import SyntaxFailure
from gradcli.grammar import parse

NAMES = st.sampled_from(["x", "y", "f", "g", "retain", "graph", "lambda"])


def joined(*parts):
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map("".join)


def separated(strategy, separator=", ", **sizes):
    return st.lists(strategy, max_size=3, **sizes).map(separator.join)


OPERATORS = "+ - * / // % @ ^ ** | & == < is in and or"


def larger_expressions(inner):
    operator = st.sampled_from([f" {word} " for word in (*OPERATORS.split(" "), "is not", "not in")])
    return st.one_of(
        joined(inner, operator, inner),
        joined(st.sampled_from(["-", "~", "not ", "+"]), inner),
        joined(inner, " if ", inner, " else ", inner),
        joined("(", inner, ")"),
        joined("(", separated(inner), ",)"),
        joined("[", separated(inner), "]"),
        joined("[", inner, " for ", NAMES, " in ", inner, "]"),
        joined(NAMES, " -> ", inner),
        joined("((", separated(NAMES), ") -> ", inner, ")"),
        joined("(", NAMES, " -> { return ", inner, "\n})"),
        joined(NAMES, st.sampled_from(["", "'", "''"]), "(", separated(inner), ")"),
        joined(NAMES, "(", inner, ", k=", inner, ")"),
        joined("(", inner, ").", NAMES),
        joined(NAMES, "[", separated(st.one_of(inner, st.just(":"), joined(inner, ":"), st.just("..."))), "]"),
        joined('f"a{', inner, '}b"'),
    )


EXPRESSIONS = st.recursive(
    st.one_of(NAMES, st.sampled_from(["1", "2.5", ".5", "true", "none", "'s'", "[1, 2]", "[[1], [2]]", "()"])),
    larger_expressions,
    max_leaves=12,
)


def larger_statements(inner):
    block = separated(inner, "\n").map("{{\n{}\n}}".format)
    return st.one_of(
        joined("if ", EXPRESSIONS, " ", block, " else ", block),
        joined("if ", EXPRESSIONS, " ", block, " else if ", EXPRESSIONS, block),
        joined("while ", EXPRESSIONS, " ", block),
        joined("for ", separated(NAMES, min_size=1), " in ", EXPRESSIONS, " ", block),
        joined("def f(", separated(NAMES), ", n=", EXPRESSIONS, ") ", block),
        joined("def f(x) ", block, " backward(g) ", block),
        joined("no_grad ", block),
        joined("with ", EXPRESSIONS, " as ", NAMES, " ", block),
    )


STATEMENTS = st.recursive(
    st.one_of(
        EXPRESSIONS,
        joined(NAMES, " = ", EXPRESSIONS),
        joined(NAMES, ", ", NAMES, " = ", NAMES, " = ", EXPRESSIONS),
        joined("f(", separated(NAMES), ") = ", EXPRESSIONS),
        joined(NAMES, " += ", EXPRESSIONS),
        joined("const ", NAMES, " = ", EXPRESSIONS),
        joined("return ", EXPRESSIONS),
        joined("backward ", EXPRESSIONS, st.sampled_from(["", " retain", " wrt x, y", " with v retain"])),
        joined(st.sampled_from(["graph ", "explain ", "check "]), EXPRESSIONS),
        joined("check y claim ", NAMES, ": ", EXPRESSIONS),
        joined("assert ", EXPRESSIONS, ", ", EXPRESSIONS),
        joined("del ", separated(NAMES, min_size=1)),
        st.sampled_from(["break", "continue", "pass", "import a.b as c", "return"]),
    ),
    larger_statements,
    max_leaves=6,
)
PROGRAMS = st.lists(STATEMENTS, max_size=4).map("\n".join)
# Any tokens in a row: mostly no scripts, so that refusals are compared, too.
MARKS = "x x f 1 [1] 's' + - * = += -> , . : ; ( ( ) ) [ ] { } ' ... \n"
WORDS = "if else for in not is and def return backward with wrt retain"
SOUPS = st.lists(st.sampled_from(f"{MARKS} {WORDS}".split(" ")), max_size=12).map(" ".join)


def is_script(text):
    try:
        parse(text)
    except SyntaxFailure:
        return False
    return True
