using System.CommandLine;
using System.Net;
using System.Runtime.InteropServices;
using Troupe.DevCluster;

var state = new Option<DirectoryInfo>("--state") { Description = "Directory of keys and objects; made when missing", Required = true };
var port = new Option<int>("--port") { Description = "TCP port of the API; 0 takes a free one", DefaultValueFactory = _ => 6443 };
var address = new Option<string>("--address") { Description = "Address to listen on", DefaultValueFactory = _ => "127.0.0.1" };
var kubeconfig = new Option<FileInfo?>("--kubeconfig") { Description = "Where to write the admin kubeconfig as well" };
var nodes = new Option<int>("--nodes") { Description = "Number of simulated nodes", DefaultValueFactory = _ => 0 };
var imageStore = new Option<string[]>("--image-store") { Description = "Directory of OCI layouts, looked up before any registry", DefaultValueFactory = _ => [] };

var serve = new Command("serve", "Serve a Kubernetes API, and run its pods on simulated nodes") { state, port, address, kubeconfig, nodes, imageStore };
serve.SetAction(async (arguments, ct) =>
{
    using var logs = LoggerFactory.Create(logging => logging.AddSimpleConsole(console =>
    {
        console.SingleLine = true;
        console.TimestampFormat = "HH:mm:ss.fff ";
        console.UseUtcTimestamp = true;
    }));
    // Before anything else is started, so that an early signal is a clean stop as well.
    using var stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
    void OnSignal(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.Cancel();
    }
    using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
    var options = new DevClusterOptions
    {
        StateDirectory = arguments.GetRequiredValue(state).FullName,
        Port = arguments.GetValue(port),
        Address = IPAddress.Parse(arguments.GetRequiredValue(address)),
        Nodes = arguments.GetValue(nodes),
        ImageStores = arguments.GetValue(imageStore) ?? [],
        Logs = logs,
    };
    await using var cluster = await DevClusterHost.StartAsync(options, stop.Token);
    if (arguments.GetValue(kubeconfig) is { } file)
        cluster.WriteKubeconfig(file.FullName);
    logs.CreateLogger("Troupe.DevCluster").LogInformation("Serving {Url}", cluster.Url);
    try
    {
        await Task.Delay(Timeout.Infinite, stop.Token);
    }
    catch (OperationCanceledException)
    {
        // Asked to stop.
    }
    return 0;
});

return await new RootCommand("DevCluster: an embedded Kubernetes for laptops and tests") { serve }.Parse(args).InvokeAsync();
