using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

/// <summary>Workloads and services with real pods: by cluster IP, by name, and what a client sees when nobody is there.</summary>
public sealed class ServiceTests(PodCluster cluster)
{
    [Fact]
    public async Task Pods_reach_a_deployment_by_cluster_IP_and_by_name_through_a_roll_out()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 2
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                  - name: c
                    image: IMAGE
                    command: [sh, -c, "mkdir /tmp/w; echo $SAY $(hostname) >/tmp/w/index.html; httpd -f -p 8080 -h /tmp/w"]
                    env: [{name: SAY, value: one}]
                    ports: [{name: http, containerPort: 8080}]
                    readinessProbe: {tcpSocket: {port: http}, periodSeconds: 1}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: http}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: client}
            spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: IMAGE, command: [sleep, "1000"]}]}
            """);
        Assert.Contains("successfully rolled out", await ns.KubectlAsync("rollout status deployment/web --timeout=60s"));
        await ns.RunningAsync("client");
        var ip = await ns.ReadAsync("service web", "{.spec.clusterIP}");
        await AnswersAsync(ns, ip, 80, "one web-");
        await AnswersAsync(ns, $"web.{ns.Name}.svc.cluster.local", 80, "one web-");
        // Short names are the resolver's business, which learns the domains here.
        Assert.Contains($"search {ns.Name}.svc.cluster.local svc.cluster.local cluster.local", (await ns.RunAsync(["exec", "client", "--", "cat", "/etc/resolv.conf"])).Output);

        await ns.KubectlAsync("set env deployment/web SAY=two");
        Assert.Contains("successfully rolled out", await ns.KubectlAsync("rollout status deployment/web --timeout=60s"));
        await AnswersAsync(ns, ip, 80, "two web-");

        // Without endpoints a client is refused at once instead of waiting.
        await ns.KubectlAsync("scale deployment/web --replicas=0");
        await AnswersAsync(ns, ip, 80, "refused");
    }

    [Fact]
    public async Task A_pod_reaches_itself_by_its_own_services_cluster_IP()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: narcissus, labels: {app: pond} }
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: c
                image: IMAGE
                command: [sh, -c, "mkdir /tmp/w; hostname >/tmp/w/index.html; httpd -f -p 8080 -h /tmp/w"]
                readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: pond}
            spec: {selector: {app: pond}, ports: [{port: 80, targetPort: 8080}]}
            """);
        await ns.RunningAsync("narcissus");
        var ip = await ns.ReadAsync("service pond", "{.spec.clusterIP}");
        await AnswersAsync(ns, ip, 80, "narcissus", from: "narcissus");
    }

    [Fact]
    public async Task A_stateful_sets_pods_have_names_of_their_own_and_daemons_run_on_each_node()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Service
            metadata: {name: db}
            spec: {clusterIP: None, selector: {app: db}, ports: [{port: 8080}]}
            ---
            apiVersion: apps/v1
            kind: StatefulSet
            metadata: {name: db}
            spec:
              serviceName: db
              replicas: 2
              selector: {matchLabels: {app: db}}
              template:
                metadata: {labels: {app: db}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers: [{name: c, image: IMAGE, command: [sh, -c, "mkdir /tmp/w; hostname >/tmp/w/index.html; httpd -f -p 8080 -h /tmp/w"]}]
            ---
            apiVersion: apps/v1
            kind: DaemonSet
            metadata: {name: agent}
            spec:
              selector: {matchLabels: {app: agent}}
              template:
                metadata: {labels: {app: agent}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers: [{name: c, image: IMAGE, command: [sleep, "1000"]}]
            ---
            apiVersion: batch/v1
            kind: Job
            metadata: {name: work}
            spec:
              completions: 2
              parallelism: 2
              template:
                spec:
                  restartPolicy: Never
                  containers: [{name: c, image: IMAGE, command: [sh, -c, "echo done"]}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: client}
            spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: IMAGE, command: [sleep, "1000"]}]}
            """);
        await ns.RunningAsync("client");
        Assert.Contains("complete", await ns.KubectlAsync("rollout status sts/db --timeout=60s"));
        await AnswersAsync(ns, $"db-1.db.{ns.Name}.svc.cluster.local", 8080, "db-1");
        await AnswersAsync(ns, $"db-0.db.{ns.Name}.svc.cluster.local", 8080, "db-0");
        Assert.Contains("successfully rolled out", await ns.KubectlAsync("rollout status ds/agent --timeout=60s"));
        Assert.Equal("node-1 node-2", string.Join(' ', (await ns.ReadAsync("pods -l app=agent", "{.items[*].spec.nodeName}")).Split(' ').Order()));
        Assert.Contains("condition met", await ns.KubectlAsync("wait --for=condition=Complete job/work --timeout=60s"));
        Assert.Equal("2", await ns.ReadAsync("job work", "{.status.succeeded}"));
    }

    [Fact]
    public async Task A_node_port_and_a_host_port_are_reached_from_pods_and_from_the_machine_and_a_client_stays_with_its_backend()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              replicas: 4
              selector: {matchLabels: {app: web}}
              template:
                metadata: {labels: {app: web}}
                spec:
                  terminationGracePeriodSeconds: 0
                  containers:
                  - name: c
                    image: IMAGE
                    command: [sh, -c, "mkdir /tmp/w; hostname >/tmp/w/index.html; httpd -f -p 8080 -h /tmp/w"]
                    readinessProbe: {tcpSocket: {port: 8080}, periodSeconds: 1}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: web}
            spec: {type: NodePort, sessionAffinity: ClientIP, selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: host}
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: c, image: IMAGE, command: [sh, -c, "mkdir /tmp/w; echo by host port >/tmp/w/index.html; httpd -f -p 8080 -h /tmp/w"], ports: [{containerPort: 8080, hostPort: 18080}]}]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: client}
            spec: {terminationGracePeriodSeconds: 0, containers: [{name: c, image: IMAGE, command: [sleep, "1000"]}]}
            """);
        Assert.Contains("successfully rolled out", await ns.KubectlAsync("rollout status deployment/web --timeout=60s"));
        await ns.RunningAsync("client");
        await ns.RunningAsync("host");
        var port = int.Parse(await ns.ReadAsync("service web", "{.spec.ports[0].nodePort}"), null);
        Assert.InRange(port, 30000, 32767);
        var nodes = (await ns.ReadAsync("nodes", "{.items[*].status.addresses[0].address}")).Split(' ');
        Assert.Equal(2, nodes.Length);
        foreach (var node in nodes) await AnswersAsync(ns, node, port, "web-");
        await AnswersAsync(ns, await ns.ReadAsync("pod host", "{.status.hostIP}"), 18080, "by host port");

        // From the machine.
        using var http = new HttpClient();
        foreach (var node in nodes) Assert.StartsWith("web-", await http.GetStringAsync($"http://{node}:{port}/"), StringComparison.Ordinal);
        Assert.Equal("by host port\n", await http.GetStringAsync($"http://{await ns.ReadAsync("pod host", "{.status.hostIP}")}:18080/"));

        // Ten connections of one pod end at one backend, by the service's address and by name and node alike.
        var ip = await ns.ReadAsync("service web", "{.spec.clusterIP}");
        var (_, names) = await ns.RunAsync(["exec", "client", "--", "sh", "-c", $"for i in 1 2 3 4 5 6 7 8 9 10; do printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {ip} 80 | tail -1; done"]);
        Assert.Single(names.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct());
    }

    /// <summary>
    /// Asks from a pod until the answer is there: rules and names follow their objects a moment later. The name is looked up
    /// by nslookup, as a static busybox's own resolver crashes in a bare image.
    /// </summary>
    private static async Task AnswersAsync(PodNamespace ns, string host, int port, string expected, string from = "client")
    {
        var ask = $"ip=$(nslookup {host} | sed -n 's/^Address: *//p' | tail -1); [ '{host}' = \"$(echo {host} | tr -d a-z)\" ] && ip={host}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 $ip {port} 2>&1";
        var last = "";
        for (var deadline = DateTime.UtcNow.AddSeconds(30); DateTime.UtcNow < deadline; await Task.Delay(100))
        {
            (_, last) = await ns.RunAsync(["exec", from, "--", "sh", "-c", ask]);
            if (last.Contains(expected, StringComparison.Ordinal)) return;
        }
        Assert.Fail($"{host}:{port} answers \"{last}\", not \"{expected}\"; {await ns.KubectlAsync("get pods,endpointslices -o wide")}");
    }
}
