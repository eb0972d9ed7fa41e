using Akka.Hosting;
using Troupe.ControlPlane.Hosting;
using Troupe.Kubernetes.Client;
using Troupe.Kubernetes.Writers;

return await ControlPlaneOptions.RunAsync(args, async (options, ct) =>
{
    var time = TimeProvider.System;
    using var kubernetes = KubeClient.FromKubeconfig(options.Kubeconfig);
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff "));
    using var logs = LoggerFactory.Create(l => l.AddSimpleConsole(c => (c.SingleLine, c.TimestampFormat) = (true, "HH:mm:ss.fff ")));
    await using var events = new EventRecorder(kubernetes, "virtualmachine-controller", Environment.MachineName, time, logs.CreateLogger<EventRecorder>());
    var emulation = new EmulationPolicy(kubernetes, options, logs.CreateLogger<EmulationPolicy>());

    if (options.Install)
        await new Installer(kubernetes, logs.CreateLogger<Installer>()).InstallCrdsAsync(ct);
    await emulation.RefreshAsync(ct);

    builder.Services.AddAkka(AkkaConfiguration.SystemName, akka => akka
        .WithWireSerialization()
        .WithTroupeCluster(options)
        .WithTroupeJournal(options)
        .WithNodeLinks(time, logs)
        .WithVmis(kubernetes, events, emulation.PodOptions, time, logs)
        .WithFeeds(kubernetes, time, logs));
    builder.WebHost.UseUrls($"http://127.0.0.1:{options.ApiPort}");
    var app = builder.Build();
    await app.RunAsync(ct);
});
