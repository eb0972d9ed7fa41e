using System.Diagnostics;
using System.Text.RegularExpressions;
using Xunit;

namespace Troupe.DevCluster.Tests.Nodes;

/// <summary>kubectl exec, attach, cp, port-forward and logs.</summary>
public sealed class StreamingTests(PodCluster cluster)
{
    private static readonly (string, string) WebSockets = ("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "true");
    private static readonly (string, string) Spdy = ("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "false");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Exec_passes_streams_and_exit_code_by_both_protocols(bool webSockets)
    {
        var ns = await PodAsync("sleep 1000");
        var protocol = webSockets ? WebSockets : Spdy;
        Assert.Equal((0, "in-out\n"), await ns.RunAsync(["exec", "-i", "p", "--", "sh", "-c", "read x; echo $x-out"], "in\n", protocol));
        var failed = await ns.RunAsync(["exec", "p", "--", "sh", "-c", "echo bad >&2; exit 3"], null, protocol);
        Assert.Equal(3, failed.Code);
        Assert.Contains("bad", failed.Output);
        Assert.Contains("executable file not found", (await ns.RunAsync(["exec", "p", "--", "no-such-program"], null, protocol)).Output);
        // More than any buffer on the way, to see that nothing is cut off.
        var big = new string('x', 300_000);
        Assert.Equal((0, "300000\n"), await ns.RunAsync(["exec", "-i", "p", "--", "wc", "-c"], big, protocol));
        Assert.Equal(300_001, (await ns.RunAsync(["exec", "p", "--", "sh", "-c", "head -c 300000 /dev/zero | tr '\\0' y; echo"], null, protocol)).Output.Length);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_terminal_has_the_clients_size(bool webSockets)
    {
        var ns = await PodAsync("sleep 1000");
        // script gives kubectl a terminal of its own, as a person's shell would.
        var start = new ProcessStartInfo("script", ["-qec", $"stty rows 33 cols 77; kubectl --kubeconfig={ns.Host.Kubeconfig} -n {ns.Name} exec -it p -- sh -c 'stty size; tty; exit 4'", "/dev/null"])
        {
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        start.Environment["KUBECTL_REMOTE_COMMAND_WEBSOCKETS"] = webSockets ? "true" : "false";
        using var process = Process.Start(start)!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Contains("33 77", output);
        Assert.Equal(4, process.ExitCode);
    }

    [Fact]
    public async Task Files_are_copied_both_ways()
    {
        var ns = await PodAsync("sleep 1000");
        var file = $"{ns.Folder}/{ns.Name}-file";
        await File.WriteAllTextAsync(file, "content");
        Assert.Equal(0, (await ns.RunAsync(["cp", file, "p:/tmp/there"])).Code);
        Assert.Equal(0, (await ns.RunAsync(["cp", "p:/tmp/there", file + "-back"])).Code);
        Assert.Equal("content", await File.ReadAllTextAsync(file + "-back"));
    }

    [Theory]
    [InlineData("true")]
    [InlineData("false")]
    public async Task A_port_is_forwarded_to_the_pods_loopback(string webSockets)
    {
        var ns = await PodAsync("echo hi >/tmp/index.html; httpd -f -p 127.0.0.1:8080 -h /tmp");
        var start = new ProcessStartInfo("kubectl", [$"--kubeconfig={ns.Host.Kubeconfig}", "-n", ns.Name, "port-forward", "pod/p", ":8080"]) { RedirectStandardOutput = true };
        start.Environment["KUBECTL_PORT_FORWARD_WEBSOCKETS"] = webSockets;
        using var process = Process.Start(start)!;
        try
        {
            var port = Regex.Match(await process.StandardOutput.ReadLineAsync() ?? "", ":(\\d+)").Groups[1].Value;
            using var http = new HttpClient();
            for (var i = 0; i < 5; i++) Assert.Equal("hi\n", await http.GetStringAsync($"http://127.0.0.1:{port}/index.html"));
        }
        finally
        {
            process.Kill();
        }
    }

    [Fact]
    public async Task Attach_talks_to_the_containers_own_process()
    {
        var ns = await PodAsync("read x; echo got $x; sleep 1000", "stdin: true");
        var attached = await ns.RunAsync(["attach", "-i", "p", "--pod-running-timeout=10s"], "word\n", ("KUBECTL_REMOTE_COMMAND_WEBSOCKETS", "true")).WaitAsync(TimeSpan.FromSeconds(3)).ContinueWith(t => t.IsCompletedSuccessfully ? t.Result.Output : "");
        await ns.UntilLogAsync("p", "got word");
        Assert.DoesNotContain("rror", attached);
        await ns.KubectlAsync("delete pod p --grace-period=0 --force");
    }

    [Fact]
    public async Task Logs_follow_until_the_end_and_the_previous_run_can_be_read()
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              restartPolicy: OnFailure
              terminationGracePeriodSeconds: 0
              initContainers: [{name: first, image: IMAGE, command: [echo, from init]}]
              volumes: [{name: v, emptyDir: {}}]
              containers:
              - name: c
                image: IMAGE
                command: [sh, -c, "if test -e /v/again; then echo second; for i in 1 2 3; do sleep 0.3; echo line $i; done; else touch /v/again; echo crashed; exit 1; fi"]
                volumeMounts: [{name: v, mountPath: /v}]
            """);
        await ns.UntilLogAsync("p", "second");
        Assert.Equal("second\nline 1\nline 2\nline 3\n", await ns.KubectlAsync("logs -f p"));
        Assert.Equal("crashed\n", await ns.KubectlAsync("logs p --previous"));
        Assert.Equal("from init\n", await ns.KubectlAsync("logs p -c first"));
        Assert.Equal("line 3\n", await ns.KubectlAsync("logs p --tail=1"));
        Assert.Matches("^20..-..-..T.* line 3\n$", await ns.KubectlAsync("logs p --tail=1 --timestamps"));
        Assert.Contains("from init", await ns.KubectlAsync("logs p --all-containers"));
        Assert.Equal("", await ns.KubectlAsync("logs p -c c --since=1ms"));
        Assert.Contains("container nope is not valid for pod p", await ns.KubectlAsync("logs p -c nope"));
    }

    private async Task<PodNamespace> PodAsync(string script, string more = "stdin: false")
    {
        var ns = await cluster.NamespaceAsync();
        await ns.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: c
                image: IMAGE
                command: [sh, -c, "{{script}}"]
                {{more}}
            """);
        await ns.RunningAsync("p");
        return ns;
    }
}
