// The jobs, in two folders that share no credential: what may deliver, and what strangers wrote.
//
// GITHUB_OWNER and GITHUB_REPOSITORY name the repository; both come from the controller's environment.
// The credential `github` is one of each folder's own store, and a person puts it there: where the
// controller itself has one in SYSTEM scope no job finds it, and where it is GLOBAL every job does.

def owner = System.getenv('GITHUB_OWNER')
def project = System.getenv('GITHUB_REPOSITORY')
def discovery = 'org.jenkinsci.plugins.github__branch__source.'

/** One multibranch job on the repository, which finds the heads that the traits say. */
def multibranch = { String name, String path, String minutes, Closure addTraits ->
    multibranchPipelineJob(name) {
        branchSources {
            branchSource {
                source {
                    github {
                        id(name.replace('/', '-'))
                        repoOwner(owner)
                        repository(project)
                        repositoryUrl("https://github.com/${owner}/${project}.git")
                        configuredByUrl(false)
                        credentialsId('github')
                    }
                }
            }
        }
        configure {
            addTraits(it / 'sources' / 'data' / 'jenkins.branch.BranchSource' / 'source' / 'traits')
        }
        factory { workflowBranchProjectFactory { scriptPath(path) } }
        triggers { periodicFolderTrigger { interval(minutes) } }
        orphanedItemStrategy { discardOldItems { numToKeep(20) } }
    }
}

// main alone, and its credentials: its store has image-registry as well.
folder('delivery') {
    description('Delivers main. Its credentials and its agents are for jobs in here only.')
    configure {
        it / 'properties' / 'org.csanchez.jenkins.plugins.kubernetes.KubernetesFolderProperty' / 'permittedClouds' {
            string('delivery')
        }
    }
}
multibranch('delivery/classifier', 'Jenkinsfile', '5m') { found ->
    found << "${discovery}BranchDiscoveryTrait" { strategyId(3) }
    found << 'jenkins.scm.impl.trait.WildcardSCMHeadFilterTrait' {
        includes('main')
        excludes('')
    }
}
pipelineJob('delivery/new-data') {
    description('Starts a delivery when the images are others than the last candidate was trained on.')
    definition {
        cpsScm {
            scm {
                git {
                    remote {
                        url("https://github.com/${owner}/${project}.git")
                        credentials('github')
                    }
                    branch('main')
                }
            }
            scriptPath('jenkins/new-data.Jenkinsfile')
            lightweight(true)
        }
    }
}

// Requests from forks bring their code, and main's Jenkinsfile: nobody is trusted to change that.
folder('pull-requests') {
    description('Checks pull requests. Its only credential reads the repository and sets statuses.')
}
multibranch('pull-requests/classifier', 'Jenkinsfile', '15m') { found ->
    found << "${discovery}OriginPullRequestDiscoveryTrait" { strategyId(1) }
    found << "${discovery}ForkPullRequestDiscoveryTrait" {
        strategyId(1)
        trust(class: 'org.jenkinsci.plugins.github_branch_source.ForkPullRequestDiscoveryTrait$TrustNobody')
    }
}
