import org.codehaus.groovy.ast.expr.ArgumentListExpression
import org.codehaus.groovy.ast.expr.BinaryExpression
import org.codehaus.groovy.ast.expr.ClosureExpression
import org.codehaus.groovy.ast.expr.ConstantExpression
import org.codehaus.groovy.ast.expr.Expression
import org.codehaus.groovy.ast.expr.GStringExpression
import org.codehaus.groovy.ast.expr.MethodCallExpression
import org.codehaus.groovy.ast.stmt.ExpressionStatement
import org.codehaus.groovy.ast.stmt.Statement
import org.codehaus.groovy.classgen.GeneratorContext
import org.codehaus.groovy.ast.ClassNode
import org.codehaus.groovy.control.CompilePhase
import org.codehaus.groovy.control.SourceUnit
import org.codehaus.groovy.control.customizers.CompilationCustomizer

/**
 * What pipeline-model-definition's parser and validator refuse by the text alone, before anything runs:
 * in `pipeline`, outside of `script` and `expression`, are no statements but sections and steps, and
 * no section is empty.
 */
class Declared extends CompilationCustomizer {
    static final GROOVY = ['script', 'expression']

    Declared() { super(CompilePhase.CONVERSION) }

    void call(SourceUnit source, GeneratorContext context, ClassNode script) {
        source.AST.statementBlock.statements.each { Statement statement ->
            def call = callIn(statement)
            if (call?.methodAsString == 'pipeline') check(call)
        }
    }

    void check(MethodCallExpression call) {
        String name = call.methodAsString
        if (name in GROOVY) return
        bodies(call).each { body ->
            def statements = body.code.statements
            if (!statements) throw new Refused("`${name}` is empty")
            statements.each { name == 'environment' ? checkVariable(it) : checkCall(it, name) }
        }
    }

    void checkCall(Statement statement, String section) {
        def call = callIn(statement)
        if (!call) throw new Refused("`${section}` has a statement of Groovy in line ${statement.lineNumber}: use `script`")
        check(call)
    }

    void checkVariable(Statement statement) {
        def set = statement instanceof ExpressionStatement ? statement.expression : null
        if (!(set instanceof BinaryExpression && isText(set.rightExpression))) {
            throw new Refused("`environment` takes texts and calls alone, not line ${statement.lineNumber}")
        }
    }

    static boolean isText(Expression value) {
        value instanceof GStringExpression || value instanceof MethodCallExpression ||
            value instanceof ConstantExpression && value.value instanceof String
    }

    static MethodCallExpression callIn(Statement statement) {
        def call = statement instanceof ExpressionStatement ? statement.expression : null
        call instanceof MethodCallExpression && call.implicitThis ? call : null
    }

    static List<ClosureExpression> bodies(MethodCallExpression call) {
        call.arguments instanceof ArgumentListExpression ?
            call.arguments.expressions.findAll { it instanceof ClosureExpression } : []
    }
}
