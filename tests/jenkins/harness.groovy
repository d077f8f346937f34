/*
 * Runs a declarative Jenkinsfile without Jenkins: `groovy -cp FOLDER FOLDER/harness.groovy`, with
 * Declared.groovy and Steps.groovy in the same folder, reads one build as JSON from each line of standard input, and
 * writes what happened in it as one line of JSON.
 *
 * It knows the directives, conditions and steps that our Jenkinsfiles use, with their arguments, and
 * refuses whatever else stands in one. Steps do what they do in Jenkins: `sh` runs a shell in the
 * workspace of its agent, `checkout` fills that, `stash` carries files to the next, `mail` speaks
 * SMTP. What stages, conditions and post sections mean follows pipeline-model-definition's
 * documentation and source; a time limit that is reached is ordered by the build, as "abort".
 */

import groovy.json.JsonOutput
import groovy.json.JsonSlurper
import java.nio.file.Files
import org.codehaus.groovy.control.CompilerConfiguration

/** The Jenkinsfile has something that Jenkins would not accept, or that is not known here. */
class Refused extends RuntimeException { Refused(String message) { super(message) } }

/** A step failed, and so does its stage. */
class StepFailed extends RuntimeException { StepFailed(String message) { super(message) } }

/** A time limit was reached, or somebody pressed stop. */
class Aborted extends RuntimeException { Aborted() { super('aborted') } }

/** Where closures find the directives of one section, and nothing else. */
abstract class Section {
    Build build
    Set<String> seen = []

    def methodMissing(String name, args) { throw new Refused("${getClass().simpleName} knows no `${name}`") }
    def propertyMissing(String name) { build.variable(name) }

    void once(String directive) {
        if (!seen.add(directive)) throw new Refused("${getClass().simpleName} has two of `${directive}`")
    }

    static void named(Map given, String step, List<String> known) {
        def unknown = given.keySet() - known
        if (unknown) throw new Refused("`${step}` takes no ${unknown.join(', ')}")
    }

    static def fill(Section section, Closure content) {
        content.delegate = section
        content.resolveStrategy = Closure.DELEGATE_ONLY
        content.call()
        section
    }
}

class Agent extends Section {
    String label

    void label(String name) { once('label'); label = name }
}

class Options extends Section {
    Map found = [:]
    List<String> known = ['disableConcurrentBuilds', 'buildDiscarder', 'skipDefaultCheckout', 'timeout',
                          'timestamps']

    def methodMissing(String name, args) {
        if (!(name in known)) throw new Refused("options knows no `${name}` here")
        once(name)
        if (name == 'timeout') named(args[0], name, ['time', 'unit'])
        found[name] = args ? args[0] : true
    }

    Map logRotator(Map numbers) {
        named(numbers, 'logRotator', ['numToKeepStr', 'artifactNumToKeepStr', 'daysToKeepStr'])
        numbers
    }
}

class Triggers extends Section {
    List<String> crons = []

    void cron(String when) { once('cron'); crons << when }
}

class Parameters extends Section {
    Map<String, Object> defaults = [:]

    void booleanParam(Map given) { add(given, 'booleanParam') }
    void string(Map given) { add(given, 'string') }

    void add(Map given, String kind) {
        named(given, kind, ['name', 'defaultValue', 'description'])
        once(given.name)
        defaults[given.name] = given.defaultValue
    }
}

class Environment extends Section {
    Map<String, String> values = [:]

    def propertyMissing(String name, value) { values[name] = value.toString() }
}

/** The conditions of one `when`; all of them must hold. */
class When extends Section {
    boolean beforeAgent = false
    List<Closure<Boolean>> conditions = []

    boolean inner = false

    void beforeAgent(boolean yes) {
        if (inner) throw new Refused('`beforeAgent` stands in `when` itself')
        once('beforeAgent')
        beforeAgent = yes
    }
    void branch(String name) { conditions << { !build.env.CHANGE_ID && build.env.BRANCH_NAME == name } }
    void changeRequest() { conditions << { build.env.CHANGE_ID != null } }
    void not(Closure inner) {
        def one = nested(inner)
        if (one.conditions.size() != 1) throw new Refused('`not` takes one condition')
        conditions << { !one.holds() }
    }
    void anyOf(Closure inner) { def any = nested(inner); conditions << { any.conditions.any { it() } } }
    void expression(Closure asked) {
        conditions << {
            asked.delegate = new Steps(build: build)
            asked.resolveStrategy = Closure.DELEGATE_ONLY
            asked.call() as boolean
        }
    }

    When nested(Closure content) { fill(new When(build: build, inner: true), content) }
    boolean holds() { conditions.every { it() } }
}

/** What is done after a stage or the build, in the order in which Jenkins looks at the conditions. */
class Post extends Section {
    static final ORDER = ['always', 'changed', 'fixed', 'regression', 'aborted', 'failure', 'success',
                          'unstable', 'unsuccessful', 'cleanup']
    Map<String, Closure> blocks = [:]

    def methodMissing(String name, args) {
        if (!(name in ORDER)) throw new Refused("post knows no condition `${name}`")
        once(name)
        blocks[name] = args[0]
    }

    boolean applies(String condition, String result) {
        switch (condition) {
            case ['always', 'cleanup']: return true
            case 'unsuccessful': return result != 'SUCCESS'
            case 'changed': return build.previous && build.previous != result
            case 'fixed': return result == 'SUCCESS' && build.previous in ['FAILURE', 'UNSTABLE']
            case 'regression': return result in ['FAILURE', 'UNSTABLE'] && build.previous == 'SUCCESS'
            default: return condition.toUpperCase() in [result, "${result}D".toString()] ||
                condition == 'failure' && result == 'FAILURE'
        }
    }

    void run() {
        ORDER.findAll { blocks[it] && applies(it, build.result) }.each { condition ->
            build.attempt { Section.fill(new Steps(build: build), blocks[condition]) }
        }
    }
}

class Stage extends Section {
    String name
    Agent agent
    When when
    Post post
    Map options = [:]
    Closure steps
    List<Stage> stages

    void agent(Closure content) { once('agent'); agent = fill(new Agent(build: build), content) }
    void when(Closure content) {
        once('when')
        when = fill(new When(build: build), content)
        if (!when.conditions) throw new Refused('`when` has no condition')
    }
    void options(Closure content) {
        once('options')
        options = fill(new Options(build: build, known: ['timeout', 'timestamps']), content).found
    }
    void post(Closure content) { once('post'); post = fill(new Post(build: build), content) }
    void steps(Closure content) { once('steps or stages'); steps = content }
    void stages(Closure content) {
        once('steps or stages')
        stages = fill(new Stages(build: build), content).all
    }

    def run() {
        if (build.result != 'SUCCESS') return build.note(name, 'not reached')
        if (when?.beforeAgent && !when.holds()) return build.note(name, 'skipped')
        build.on(agent?.label) {
            if (when && !when.beforeAgent && !when.holds()) return build.note(name, 'skipped')
            build.names << name
            build.attempt {
                if (stages) stages*.run()
                else {
                    if (build.scenario.abort == name) throw new Aborted()
                    Section.fill(new Steps(build: build), steps)
                }
            }
            build.note(name, build.result)
            post?.run()
            build.names.pop()
        }
    }
}

class Stages extends Section {
    List<Stage> all = []

    void stage(String name, Closure content) {
        once(name)
        def one = Section.fill(new Stage(build: build, name: name), content)
        if (!one.steps && !one.stages) throw new Refused("the stage `${name}` has neither steps nor stages")
        all << one
    }
}

class Pipeline extends Section {
    static final NONE = new Object()
    boolean agentless
    Map options = [:]
    List<String> triggers = []
    Map<String, Object> parameters = [:]
    Closure environment
    List<Stage> stages
    Post post

    Object getNone() { NONE }
    void agent(Object which) {
        if (!which.is(NONE)) throw new Refused('a pipeline that is partly untrusted has `agent none`')
        once('agent')
        agentless = true
    }
    void options(Closure content) { once('options'); options = fill(new Options(build: build), content).found }
    void triggers(Closure content) { once('triggers'); triggers = fill(new Triggers(build: build), content).crons }
    void parameters(Closure content) {
        once('parameters')
        parameters = fill(new Parameters(build: build), content).defaults
    }
    void environment(Closure content) { once('environment'); environment = content }
    void stages(Closure content) { once('stages'); stages = fill(new Stages(build: build), content).all }
    void post(Closure content) { once('post'); post = fill(new Post(build: build), content) }

    void run() {
        if (!agentless || !stages) throw new Refused('a pipeline needs agent and stages')
        build.params = parameters + (build.scenario.parameters ?: [:])
        build.params.each { name, value -> build.env[name] = value.toString() }
        if (environment) build.env.putAll(fill(new Environment(build: build), environment).values)
        stages*.run()
        post?.run()
    }
}

/** One build: what it is given, and what has happened in it. */
class Build {
    static final SCM = new Object()
    Map scenario
    Script script
    Set<String> own = []
    Map<String, String> env = [:]
    Map params = [:]
    Map<String, String> bound = [:]
    List<String> ids = [], names = [], labels = [], agents = [], archived = [], reports = []
    List<Map> stages = [], commands = [], mails = [], started = []
    List workspaces = []
    Map<String, Map> stashes = [:]
    String result = 'SUCCESS'
    StringBuilder log = new StringBuilder()

    String getPrevious() { scenario.previous }
    Object getCurrentBuild() {
        [currentResult: result, previousCompletedBuild: previous ? [result: previous] : null]
    }

    def variable(String name) {
        if (name in ['env', 'params', 'currentBuild']) return this."${name}"
        if (name == 'scm') return SCM
        if (script.binding.hasVariable(name)) return script.binding.getVariable(name)
        throw new Refused("there is no variable `${name}`")
    }

    void note(String stage, String fate) { stages << [name: stage, fate: fate] }

    /** The workspace of the agent that the step runs on. */
    def node(String step) {
        if (!workspaces) throw new Refused("`${step}` needs an agent")
        workspaces[-1]
    }

    def on(String label, Closure content) {
        if (label == null) return content.call()
        agents << label
        labels << label
        workspaces << Files.createDirectories(new File(scenario.workspace, "${agents.size()}-${label}").toPath())
        content.call()
        workspaces.pop()
        labels.pop()
    }

    /** Does it, and turns what fails into the build's result. */
    void attempt(Closure content) {
        try {
            content.call()
        } catch (StepFailed failure) {
            log << "ERROR: ${failure.message}\n"
            result = 'FAILURE'
        } catch (Aborted ended) {
            log << "ERROR: ${ended.message}\n"
            result = 'ABORTED'
        }
    }
}

/** What the code of a Jenkinsfile outside of `pipeline` is part of. */
abstract class BuildScript extends Script {
    Pipeline described

    void pipeline(Closure content) {
        def build = binding.getVariable('build')
        build.script = this
        described = Section.fill(new Pipeline(build: build), content)
        described.run()
    }
    def methodMissing(String name, args) { new Steps(build: binding.getVariable('build'))."${name}"(*args) }
    def propertyMissing(String name) { binding.getVariable('build').variable(name) }
}

def run(Map scenario) {
    def build = new Build(scenario: scenario)
    build.env.putAll([BUILD_NUMBER: '12', BUILD_URL: 'https://jenkins.example.com/job/12/'])
    build.env.putAll(scenario.environment)
    def binding = new Binding([build: build, env: build.env])
    def configuration = new CompilerConfiguration(scriptBaseClass: BuildScript.name)
    def report = [:]
    try {
        configuration.addCompilationCustomizers(new Declared())
        def shell = new GroovyShell(getClass().classLoader, binding, configuration)
        def script = shell.parse(scenario.jenkinsfile, 'Jenkinsfile')
        build.own.addAll(script.class.declaredMethods*.name)
        script.run()
        if (!script.described) throw new Refused('there is no pipeline')
        report = [options: script.described.options, triggers: script.described.triggers,
                  parameters: script.described.parameters, limits: limits(script.described.stages)]
    } catch (Refused | org.codehaus.groovy.control.CompilationFailedException | MissingMethodException |
             MissingPropertyException refusal) {
        report = [refused: refusal.message]
    }
    report + [result: build.result, stages: build.stages, agents: build.agents, commands: build.commands,
              mails: build.mails, archived: build.archived, reports: build.reports, started: build.started,
              log: build.log.toString()]
}

/** The time limit of every stage that has steps, and of those within others. */
Map limits(List stages) {
    stages.collectEntries { it.stages ? limits(it.stages) : [it.name, it.options.timeout] }
}

System.in.eachLine { line ->
    println JsonOutput.toJson(run(new JsonSlurper().parseText(line)))
    System.out.flush()
}
