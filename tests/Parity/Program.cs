using Troupe.Parity;

// `./dev parity [--list]`: Troupe's answers beside those that KubeVirt gave. --list names every case that differs.
if (BehaviourData.Folder() is not { } folder)
{
    Console.Error.WriteLine("parity: no recorded behaviour found; set TROUPE_BEHAVIOUR to the folder with admit.ndjson.gz and pod.ndjson.gz");
    return 2;
}

var list = args.Contains("--list");
var admission = await AdmissionParity.RunAsync(folder, Console.Out, list);
await PodParity.RunAsync(folder, Console.Out, list);
return admission is { SameAnswer: >= 0.97, SameMessages: >= 0.9 } ? 0 : 1;
