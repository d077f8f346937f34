import java.nio.file.FileSystems
import java.nio.file.Files

/** The steps, and the methods that the Jenkinsfile itself defines. */
class Steps extends Section {
    def methodMissing(String name, args) {
        def own = build.script.metaClass.respondsTo(build.script, name, args)
        if (!own || !(name in build.own)) throw new Refused("there is no step `${name}` with these arguments")
        build.script.invokeMethod(name, args)
    }
    def propertyMissing(String name, value) { build.script.binding.setVariable(name, value) }

    void script(Closure content) { Section.fill(new Steps(build: build), content) }
    void echo(String text) { build.log << "${text}\n" }
    void checkout(Object what) {
        if (!what.is(Build.SCM)) throw new Refused('only `checkout scm` is known here')
        def source = build.scenario.source
        build.scenario.tracked.each {
            Files.createSymbolicLink(build.node('checkout').resolve(it), new File(source, it).toPath())
        }
    }

    void sh(Object command) { sh(script: command) }
    void sh(Map given) {
        named(given, 'sh', ['label', 'script'])
        if (!(given.script instanceof String)) {
            throw new Refused("sh is given a text with something put into it: ${given.script}")
        }
        def workspace = build.node('sh')
        def process = new ProcessBuilder('sh', '-xe', '-c', given.script).directory(workspace.toFile())
        process.environment().clear()
        process.environment().putAll(build.scenario.machine + build.env + build.bound)
        def output = Files.createTempFile('sh', '.log')
        def code = process.redirectErrorStream(true).redirectOutput(output.toFile()).start().waitFor()
        build.log << output.toFile().text
        Files.delete(output)
        build.commands << [script: given.script, stage: build.names[-1] ?: 'post', agent: build.labels[-1],
                           credentials: build.ids.collect(), code: code]
        if (code) throw new StepFailed("script returned exit code ${code}")
    }

    Map file(Map given) { credential(given, 'file', ['credentialsId', 'variable']) }
    Map string(Map given) { credential(given, 'string', ['credentialsId', 'variable', 'name', 'value']) }
    Map credential(Map given, String kind, List<String> known) { named(given, kind, known); given }
    void withCredentials(List<Map> wanted, Closure content) {
        wanted.each {
            def value = build.scenario.credentials[it.credentialsId]
            if (value == null) throw new StepFailed("there are no credentials ${it.credentialsId}")
            build.bound[it.variable] = value
            build.ids << it.credentialsId
        }
        try {
            Section.fill(new Steps(build: build), content)
        } finally {
            wanted.each { build.bound.remove(it.variable); build.ids.remove(it.credentialsId) }
        }
    }

    void timeout(Map limit, Closure content) {
        named(limit, 'timeout', ['time', 'unit'])
        Section.fill(new Steps(build: build), content)
    }
    boolean fileExists(String path) { Files.exists(build.node('fileExists').resolve(path)) }
    void build(Map given) {
        named(given, 'build', ['job', 'parameters', 'wait'])
        build.started << given
    }
    void junit(Map given) {
        named(given, 'junit', ['testResults', 'allowEmptyResults'])
        build.reports.addAll(files('junit', given.testResults, given.allowEmptyResults))
    }
    void archiveArtifacts(Map given) {
        named(given, 'archiveArtifacts', ['artifacts', 'allowEmptyArchive'])
        build.archived.addAll(files('archiveArtifacts', given.artifacts, given.allowEmptyArchive))
    }
    void stash(Map given) {
        named(given, 'stash', ['name', 'includes', 'allowEmpty'])
        def workspace = build.node('stash')
        build.stashes[given.name] = files('stash', given.includes, given.allowEmpty).collectEntries {
            [it, workspace.resolve(it).toFile().bytes]
        }
    }
    void unstash(String name) {
        if (build.stashes[name] == null) throw new StepFailed("nothing is stashed as ${name}")
        build.stashes[name].each { path, content ->
            def target = build.node('unstash').resolve(path).toFile()
            target.parentFile.mkdirs()
            target.bytes = content
        }
    }
    List<String> files(String step, String pattern, boolean emptyAllowed) {
        def workspace = build.node(step)
        def matcher = FileSystems.default.getPathMatcher("glob:${pattern}")
        def found = Files.walk(workspace).iterator().findAll { Files.isRegularFile(it) }
            .collect { workspace.relativize(it) }.findAll { matcher.matches(it) }*.toString()
        if (!found && !emptyAllowed) throw new StepFailed("${step}: no file matches ${pattern}")
        found.sort()
    }

    void mail(Map given) {
        named(given, 'mail', ['to', 'subject', 'body'])
        def letter = given.collectEntries { key, value -> [key, value as String] }
        if (!letter.to) throw new StepFailed('mail: nobody is named to send it to')
        build.mails << letter
        if (build.scenario.smtp) deliver(letter)
    }
    void deliver(Map letter) {
        new Socket(build.scenario.smtp.host, build.scenario.smtp.port).withStreams { input, output ->
            def answers = input.newReader()
            def say = { String line ->
                output << "${line}\r\n"
                output.flush()
                def answer = answers.readLine()
                while (answer[3] == '-') answer = answers.readLine()
                if (!(answer[0] in ['2', '3'])) throw new StepFailed("mail: ${answer}")
            }
            answers.readLine()
            ['EHLO controller', 'MAIL FROM:<jenkins@example.com>', "RCPT TO:<${letter.to}>", 'DATA',
             "Subject: ${letter.subject}\r\nTo: ${letter.to}\r\n\r\n${letter.body}\r\n.", 'QUIT'].each { say(it) }
        }
    }
}
